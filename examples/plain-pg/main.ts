import { startServer } from '@auditrum/testkit'
import pg from 'pg'
import { orderService } from './service.ts'

const postgres = await startServer()
const pool = new pg.Pool({ connectionString: postgres.url() })
pool.on('error', () => {}) // the server may stop before the pool's sockets are closed
const service = await orderService(pool)
await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve))
const { port } = service.address() as { port: number }
console.log(`Orders on http://127.0.0.1:${port}, PostgreSQL ${postgres.version}. Try:

  curl -X POST  http://127.0.0.1:${port}/orders -H 'authorization: Bearer token-of-anna' -d '{"item": "ladder"}'
  curl -X PATCH http://127.0.0.1:${port}/orders/1 -H 'authorization: Bearer token-of-ben' -d '{"status": "shipped", "reason": "paid"}'
  curl http://127.0.0.1:${port}/orders/1/blame

Ctrl-C ends both.`)
process.once('SIGINT', async () => {
  service.close()
  await pool.end()
  await postgres.stop()
})

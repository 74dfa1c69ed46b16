import { startServer } from '@auditrum/testkit'
import pg from 'pg'
import { app } from './app.ts'
import { hash, openShop } from './database.ts'
import { closeUnpaid } from './jobs.ts'

const postgres = await startServer()
const pool = new pg.Pool({ connectionString: postgres.url() })
pool.on('error', () => {}) // the server may stop before the pool's sockets are closed
const shop = await openShop(pool)
await shop.knex('staff').insert({ name: 'anna', password_hash: hash('secret') })
const job = setInterval(() => closeUnpaid(shop), 60_000)
const server = app(shop).listen(0, '127.0.0.1', () => {
  const { port } = server.address() as { port: number }
  const curl = `curl -b jar -c jar -H 'content-type: application/json' http://127.0.0.1:${port}`
  console.log(`The shop is open, on PostgreSQL ${postgres.version}. Try:

  ${curl}/orders -d '{"name": "ACME", "email": "buyer@acme.example", "total": 39.80}'
  ${curl}/login -d '{"name": "anna", "password": "secret"}'
  ${curl}/orders/1 -X PATCH -d '{"status": "paid", "reason": "Payment received"}'
  DATABASE_URL=${postgres.url()} npx tsx ${import.meta.dirname}/discount.ts 1 10 'Goodwill, ticket 881'
  ${curl}/orders/1/blame

Ctrl-C ends both.`)
})
process.once('SIGINT', async () => {
  clearInterval(job)
  server.close()
  await pool.end()
  await postgres.stop()
})

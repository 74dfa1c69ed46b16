import { startServer } from '@auditrum/testkit'
import { app } from './app.ts'
import { Clerk, hash, openWarehouse } from './database.ts'
import { reorder } from './jobs.ts'

const postgres = await startServer()
const warehouse = await openWarehouse(postgres.url())
await Clerk.create({ name: 'anna', passwordHash: hash('secret') })
const job = setInterval(() => reorder(), 60_000)
const server = app(warehouse).listen(0, '127.0.0.1', () => {
  const { port } = server.address() as { port: number }
  const curl = `curl -b jar -c jar -H 'content-type: application/json' http://127.0.0.1:${port}`
  console.log(`The warehouse is open, on PostgreSQL ${postgres.version}. Try:

  ${curl}/login -d '{"name": "anna", "password": "secret"}'
  ${curl}/articles -d '{"title": "ladder", "price": "39.80", "stock": 5}'
  ${curl}/articles/1 -X PATCH -d '{"price": "35.80", "reason": "Spring sale"}'
  ${curl}/articles/1/sell -X POST
  DATABASE_URL=${postgres.url()} npx tsx ${import.meta.dirname}/prices.ts 5 'Prices of 2027'
  ${curl}/articles/1/history

Ctrl-C ends both.`)
})
process.once('SIGINT', async () => {
  clearInterval(job)
  server.close()
  await warehouse.sequelize.close()
  await postgres.stop()
})

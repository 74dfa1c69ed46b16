import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { startServer } from '@auditrum/testkit'
import pg from 'pg'
import { app } from './app.ts'
import { hash, openShop } from './database.ts'
import { closeUnpaid } from './jobs.ts'
import { printBlame, printHistory, title } from './print.ts'

const postgres = await startServer()
const pool = new pg.Pool({ connectionString: postgres.url() })
pool.on('error', () => {}) // the server may stop before the pool's sockets are closed
title(`A shop on Express, Knex and PostgreSQL ${postgres.version}`)
const shop = await openShop(pool)
await shop.knex('staff').insert({ name: 'anna', password_hash: hash('secret') })
const server = app(shop).listen(0, '127.0.0.1')
await once(server, 'listening')
const { port } = server.address() as AddressInfo
let cookie = ''

await request('POST', '/orders', { name: 'ACME', email: 'buyer@acme.example', total: 39.8 })
await request('POST', '/orders', { name: 'Initech', email: 'peter@initech.example', total: 59.7 })
await request('POST', '/login', { name: 'anna', password: 'secret' })
await request('PATCH', '/orders/1', { status: 'paid', reason: 'Payment received' })
await request('PATCH', '/orders/1', { total: 35.82, reason: 'Goodwill discount, ticket 881' })
await closeUnpaid(shop, 0)
await request('DELETE', '/customers/2')
// past the application: nobody said who this is, and the database still knows the role
const psql = new pg.Client(postgres.url())
await psql.connect()
await psql.query(`update orders set status = 'shipped' where id = 1`)
await psql.end()

title('Every change, newest first: of requests, of a job, of a cascade, of psql')
await printHistory(shop.audit.history())
title('Who gave order 1 its present values?')
printBlame(await shop.audit.blame('orders', 1))
title('Is the trail healthy?')
const { ok, findings } = await shop.audit.status()
for (const { severity, message } of findings) console.log(`${severity}: ${message}.`)
console.log(ok ? 'Yes.' : 'No.')

server.close()
await pool.end()
await postgres.stop()

async function request(method: string, path: string, body?: object): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method,
    headers: { 'content-type': 'application/json', cookie },
    ...(body && { body: JSON.stringify(body) }),
  })
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status}`)
  cookie = response.headers.get('set-cookie')?.replace(/;.*/, '') ?? cookie
  await response.text()
}

import { readFileSync } from 'node:fs'
import { track, withContext } from '@auditrum/pg'
import { startServer } from '@auditrum/testkit'
import fastify from 'fastify'
import { type Generated, Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import { afterAll, expect, test } from 'vitest'
import { auditContext } from '../fastify.ts'
import { KyselyAuditrum } from '../kysely.ts'

const postgres = await startServer()
const pool = new pg.Pool({ connectionString: postgres.url(), max: 5 })
pool.on('error', () => {})
const db = new Kysely<{ orders: { id: Generated<number>; note: string } }>({
  dialect: new PostgresDialect({ pool }),
})
await pool.query('create table orders (id serial primary key, note text)')
const audit = new KyselyAuditrum(db, pool, { tables: [track('orders')], maintain: false })
await audit.sync()
const app = fastify()
auditContext(app, { user: (request) => request.headers.authorization })
app.post('/orders/:note', async (request) => {
  const { note } = request.params as { note: string }
  const write = (on: typeof db) =>
    on.insertInto('orders').values({ note }).returning('id').executeTakeFirst()
  return note.endsWith('0') ? db.transaction().execute(write) : write(db)
})
const address = await app.listen({ host: '127.0.0.1', port: 0 })
afterAll(async () => {
  await app.close()
  audit.close()
  await db.destroy()
  await postgres.stop()
})

test('500 requests of Fastify, written by Kysely, are each of their own user', async () => {
  const order = async (n: number) => {
    const headers = { authorization: `user ${n}` }
    const response = await fetch(`${address}/orders/${n}`, { method: 'POST', headers })
    expect(response.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
  }
  await Promise.all(Array.from({ length: 500 }, (_, n) => order(n)))
  const { rows } = await pool.query(`
    select count(*)::int as events, count(distinct user_id)::int as users,
      count(*) filter (where user_id is distinct from 'user ' || (new_data ->> 'note'))::int as wrong
    from auditrum.auditlog`)
  expect(rows).toEqual([{ events: 500, users: 500, wrong: 0 }])
})

test('the log is a query of Kysely, and a transaction reads what it wrote', async () => {
  await db.transaction().execute(async (trx) => {
    await withContext({ user_id: 'anna' }, () =>
      trx.insertInto('orders').values({ id: 1000, note: 'x' }).execute(),
    )
    const { events } = await audit.on(trx).page({ table: 'orders', id: 1000 })
    expect(events).toMatchObject([{ userId: 'anna' }])
  })
  const events = await audit.events('orders', 1000).where('user_id', '=', 'anna').execute()
  expect(events).toMatchObject([{ operation: 'insert', object_id: '1000' }])
})

test.each(['fastify', 'kysely'])('%s is an adapter of under 60 lines', (name) => {
  const lines = readFileSync(new URL(`../${name}.ts`, import.meta.url), 'utf8').split('\n')
  expect(lines.length).toBeLessThan(60)
})

import { execFile } from 'node:child_process'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { userInfo } from 'node:os'
import { promisify } from 'node:util'
import { type AuditTesting, testing } from '@auditrum/testing'
import { install, type Server, startServer } from '@auditrum/testkit'
import knexOf from 'knex'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { app } from '../app.ts'
import { hash, openShop, type Shop } from '../database.ts'
import { closeUnpaid } from '../jobs.ts'

const run = promisify(execFile)
const folder = new URL('../', import.meta.url)
const ends: (() => unknown)[] = []
afterAll(async () => {
  for (const end of ends.reverse()) await end()
})

let postgres: Server
let shop: Shop
let trail: AuditTesting
let address: string
beforeAll(async () => {
  postgres = await startServer()
  const pool = new pg.Pool({ connectionString: postgres.url(), max: 5 })
  pool.on('error', () => {})
  shop = await openShop(pool)
  trail = testing(shop.audit)
  await shop.knex('staff').insert([
    { name: 'anna', password_hash: hash('secret') },
    { name: 'ben', password_hash: hash('geheim') },
  ])
  const server = app(shop).listen(0, '127.0.0.1')
  await once(server, 'listening')
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  ends.push(
    () => postgres.stop(),
    () => pool.end(),
    () => server.close(),
  )
})

/** An order, or a list. */
type Answer = { readonly id: number } & readonly object[]

/** A browser: it keeps its cookie. */
function visitor() {
  let cookie = ''
  return async (method: string, path: string, body?: object) => {
    const response = await fetch(address + path, {
      method,
      headers: { 'content-type': 'application/json', cookie },
      ...(body && { body: JSON.stringify(body) }),
    })
    cookie = response.headers.get('set-cookie')?.replace(/;.*/, '') ?? cookie
    return { status: response.status, body: (await response.json()) as Answer }
  }
}

async function loggedIn(name: string, password: string) {
  const request = visitor()
  expect((await request('POST', '/login', { name, password })).status).toBe(200)
  return request
}

test('what a visitor, a clerk, a job and a script do is recorded as theirs', async () => {
  const customer = visitor()
  const { body: order } = await customer('POST', '/orders', {
    name: 'ACME',
    email: 'a@b',
    total: 50,
  })
  expect((await customer('PATCH', `/orders/${order.id}`, { status: 'paid' })).status).toBe(401)
  await trail.expectAudited('orders', order.id, {
    operation: 'insert',
    userId: null,
    metadata: { method: 'POST', url: '/orders', request_id: expect.any(String) },
  })
  const anna = await loggedIn('anna', 'secret')
  await anna('PATCH', `/orders/${order.id}`, { total: 45, reason: 'Goodwill' })
  await trail.expectAudited('orders', order.id, {
    userId: 'anna',
    source: 'web',
    changeReason: 'Goodwill',
    diff: { total: { old: '50.00', new: '45.00' } },
  })

  await closeUnpaid(shop, 0)
  await trail.expectAudited('orders', order.id, { userId: null, source: 'job' })

  const env = { ...process.env, DATABASE_URL: postgres.url() }
  const script = ['--import', 'tsx', 'discount.ts', String(order.id), '10', 'ticket 881']
  await run(process.execPath, script, { cwd: folder, env })
  await trail.expectAudited('orders', order.id, {
    userId: userInfo().username,
    source: 'script',
    changeReason: 'ticket 881',
    diff: { total: { new: '40.50' } },
  })

  const { body: blame } = await anna('GET', `/orders/${order.id}/blame`)
  expect(blame[0]).toMatchObject({ column: 'total', value: '40.50', changeReason: 'ticket 881' })
  const { body: history } = await anna('GET', `/orders/${order.id}/history`)
  expect(history).toHaveLength(4)
})

test('a password is nowhere in the log, nor an e-mail address, nor a session', async () => {
  const events: object[] = []
  for await (const event of shop.audit.history()) events.push(event)
  expect(JSON.stringify(events)).not.toMatch(/password_hash|a@b|session/)
  expect(await shop.audit.check()).toEqual([])
  expect((await shop.audit.status()).ok).toBe(true)
})

test('200 clerks at once are each recorded as themselves', async () => {
  const [anna, ben] = [await loggedIn('anna', 'secret'), await loggedIn('ben', 'geheim')]
  const { body: order } = await anna('POST', '/orders', { name: 'Bulk', email: 'x', total: 1 })
  await Promise.all(
    Array.from({ length: 200 }, (_, n) =>
      (n % 2 ? ben : anna)('PATCH', `/orders/${order.id}`, {
        status: `${n % 2 ? 'ben' : 'anna'} ${n}`,
      }),
    ),
  )
  const events = await shop.audit.events().forTable('orders').forId(order.id)
  const updates = events.filter(({ operation }) => operation === 'update')
  expect(updates).toHaveLength(200)
  const wrong = updates.filter(
    ({ user_id, new_data }) => !String(new_data?.status).startsWith(`${user_id} `),
  )
  expect(wrong).toEqual([])
})

test('the middleware of one installed version and the Knex of another are one trail', async () => {
  const older = install('1.0.0', ['core', 'express'])
  const newer = install('2.0.0', ['core', 'pg', 'knex'])
  ends.push(older.remove, newer.remove)
  const { auditContext } = older.require('@auditrum/express') as typeof import('@auditrum/express')
  const { auditrum } = newer.require('@auditrum/knex') as typeof import('@auditrum/knex')
  const { default: express } = await import('express')

  const knex = knexOf({ client: 'pg', connection: postgres.url(), pool: { min: 0, max: 2 } })
  const audit = auditrum(knex, { maintain: false })
  ends.push(() => knex.destroy())
  const server = express()
    .use(auditContext({ user: (req) => req.get('x-user') }))
    .post('/', async (_, res) => {
      const [customer] = await knex('customers').insert({ name: 'x', email: 'x' }).returning('id')
      res.json(customer)
    })
    .listen(0, '127.0.0.1')
  ends.push(() => server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const response = await fetch(`http://127.0.0.1:${port}/`, {
    method: 'POST',
    headers: { 'x-user': 'cleo' },
  })
  const { id } = (await response.json()) as { id: number }
  await testing(audit).expectAudited('customers', id, { userId: 'cleo', source: 'web' })
})

test('the demo prints who changed what, when and why', async () => {
  const { stdout, stderr } = await run(process.execPath, ['--import', 'tsx', 'demo.ts'], {
    cwd: folder,
  })
  expect(stderr).toBe('')
  const lines = stdout.split('\n')
  const expected = [
    /update +orders 1 +\(role postgres\) +status: paid -> shipped/,
    /delete +orders 2 +anna/, // the cascade has its context, too
    /update +orders 2 +\(job\) +Unpaid for 0 days +status: new -> closed/,
    /update +orders 1 +anna +Goodwill discount, ticket 881 +total: 39.80 -> 35.82/,
    /insert +customers 1 +\(web\)/,
    /^status +shipped .*\(role postgres\)/,
    /^total +35.82 .* anna +Goodwill discount/,
  ]
  for (const line of expected) expect(lines).toContainEqual(expect.stringMatching(line))
  expect(stdout).not.toMatch(/acme\.example/)
  expect(stdout).toMatch(/Yes\.\n$/)
})

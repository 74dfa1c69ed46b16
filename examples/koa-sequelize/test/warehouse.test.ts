import { execFile } from 'node:child_process'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { userInfo } from 'node:os'
import { promisify } from 'node:util'
import { type AuditTesting, testing } from '@auditrum/testing'
import { type Server, startServer } from '@auditrum/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { app } from '../app.ts'
import { Clerk, hash, openWarehouse, type Warehouse } from '../database.ts'
import { reorder } from '../jobs.ts'

const run = promisify(execFile)
const folder = new URL('../', import.meta.url)
const ends: (() => unknown)[] = []
afterAll(async () => {
  for (const end of ends.reverse()) await end()
})

let postgres: Server
let warehouse: Warehouse
let trail: AuditTesting
let address: string
beforeAll(async () => {
  postgres = await startServer()
  warehouse = await openWarehouse(postgres.url())
  trail = testing(warehouse.audit)
  await Clerk.bulkCreate(
    ['anna', 'ben'].map((name) => ({ name, passwordHash: hash(`secret of ${name}`) })),
  )
  const server = app(warehouse).listen(0, '127.0.0.1')
  await once(server, 'listening')
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  ends.push(
    () => postgres.stop(),
    () => warehouse.sequelize.close(),
    () => server.close(),
  )
})

interface Answer {
  readonly id: number
  readonly length: number
}

async function visitor(name?: string) {
  let cookie = ''
  const request = async (method: string, path: string, body?: object) => {
    const response = await fetch(address + path, {
      method,
      headers: { 'content-type': 'application/json', cookie },
      ...(body && { body: JSON.stringify(body) }),
    })
    const cookies = response.headers.getSetCookie().map((each) => each.replace(/;.*/, ''))
    if (cookies.length > 0) cookie = cookies.join('; ')
    const text = await response.text()
    return { status: response.status, body: (response.ok ? JSON.parse(text) : text) as Answer }
  }
  if (name) {
    const login = await request('POST', '/login', { name, password: `secret of ${name}` })
    expect(login.status).toBe(200)
  }
  return request
}

test('what clerks, a job and a script do is recorded as theirs', async () => {
  expect((await (await visitor())('POST', '/articles', { title: 'x' })).status).toBe(401)
  const anna = await visitor('anna')
  const ben = await visitor('ben')
  const { body: ladder } = await anna('POST', '/articles', {
    title: 'ladder',
    price: '40',
    stock: 3,
  })
  await ben('PATCH', `/articles/${ladder.id}`, { price: '35.80', reason: 'Spring sale' })
  await trail.expectAudited('articles', ladder.id, {
    userId: 'ben',
    source: 'web',
    changeReason: 'Spring sale',
    diff: { price: { old: '40.00', new: '35.80' } },
  })
  const sold = await trail.written(() => anna('POST', `/articles/${ladder.id}/sell`))
  expect(sold).toMatchObject([{ userId: 'anna', diff: { stock: { old: 3, new: 2 } } }])

  await reorder()
  await trail.expectAudited('articles', ladder.id, {
    userId: null,
    source: 'job',
    changeReason: 'Fewer than 3 left',
    diff: { stock: { new: 12 } },
  })

  const env = { ...process.env, DATABASE_URL: postgres.url() }
  await run(process.execPath, ['--import', 'tsx', 'prices.ts', '5', 'Prices of 2027'], {
    cwd: folder,
    env,
  })
  await trail.expectAudited('articles', ladder.id, {
    userId: userInfo().username,
    source: 'script',
    changeReason: 'Prices of 2027',
    diff: { price: { new: '37.59' } },
  })
  expect((await anna('GET', `/articles/${ladder.id}/history`)).body).toHaveLength(5)
})

test('a password is nowhere in the log, and the trail is healthy', async () => {
  const events: object[] = []
  for await (const event of warehouse.audit.history()) events.push(event)
  expect(JSON.stringify(events)).not.toMatch(/password/)
  expect((await warehouse.audit.status()).ok).toBe(true)
})

test('sales at once are each recorded as those of their own clerk', async () => {
  const clerks = [await visitor('anna'), await visitor('ben')] as const
  const { body: nail } = await clerks[0]('POST', '/articles', {
    title: 'nail',
    price: '1',
    stock: 99,
  })
  const events = await trail.written(() =>
    Promise.all(
      Array.from({ length: 120 }, (_, n) =>
        clerks[n % 3 ? 0 : 1]('POST', `/articles/${nail.id}/sell`),
      ),
    ),
  )
  expect(events).toHaveLength(99)
  expect(events.filter(({ userId }) => userId === 'ben').length).toBeGreaterThan(10)
  expect(events.filter(({ userId }) => userId !== 'ben' && userId !== 'anna')).toEqual([])
})

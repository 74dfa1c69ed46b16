import { startServer } from '@auditrum/testkit'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { orderService } from '../service.ts'

const ends: (() => unknown)[] = []
let address: string
beforeAll(async () => {
  const postgres = await startServer()
  const pool = new pg.Pool({ connectionString: postgres.url(), max: 3 })
  pool.on('error', () => {})
  const service = await orderService(pool)
  await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve))
  address = `http://127.0.0.1:${(service.address() as { port: number }).port}`
  ends.push(
    () => service.close(),
    () => pool.end(),
    () => postgres.stop(),
  )
})
afterAll(async () => {
  for (const end of ends) await end()
})

async function request(user: string | undefined, method: string, path: string, body?: unknown) {
  const response = await fetch(address + path, {
    method,
    headers: user ? { authorization: `Bearer token-of-${user}` } : {},
    body: body === undefined ? null : JSON.stringify(body),
  })
  return response.json()
}

test('every change says who made it, why, and in which request', async () => {
  const order = (await request('anna', 'POST', '/orders', { item: 'ladder' })) as { id: number }
  await request('ben', 'PATCH', `/orders/${order.id}`, { status: 'shipped', reason: 'paid' })
  await request(undefined, 'PATCH', `/orders/${order.id}`, { status: 'lost', reason: 'by mail' })
  expect(await request(undefined, 'GET', `/orders/${order.id}/blame`)).toMatchObject([
    { column: 'status', value: 'lost', userId: null, changeReason: 'by mail', source: 'web' },
    { column: 'id', userId: 'anna' },
    { column: 'item', value: 'ladder', userId: 'anna' },
  ])
  expect(await request(undefined, 'GET', `/orders/${order.id}/history`)).toMatchObject([
    { diff: { status: { old: 'shipped', new: 'lost' } } },
    {
      userId: 'ben',
      context: { metadata: { method: 'PATCH', url: `/orders/${order.id}`, change_reason: 'paid' } },
    },
    { userId: 'anna', operation: 'insert' },
  ])
})

test('a hundred requests at once keep their users apart', async () => {
  const users = Array.from({ length: 100 }, (_, n) => (n % 2 ? 'anna' : 'ben'))
  await Promise.all(
    users.map(async (user) => {
      const { id } = (await request(user, 'POST', '/orders', { item: user })) as { id: number }
      await request(user, 'PATCH', `/orders/${id}`, { status: 'paid', reason: user })
      expect(await request(undefined, 'GET', `/orders/${id}/history`)).toMatchObject([
        { userId: user, context: { metadata: { change_reason: user } } },
        { userId: user },
      ])
    }),
  )
})

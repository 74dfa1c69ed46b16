import { expect, test } from 'vitest'
import { shop } from './support.js'

async function fullShop(config?: Parameters<typeof shop>[0]) {
  const it = await shop(config)
  await it.knex.raw('insert into orders (note) select n from generate_series(1, 300) as n')
  return it
}
const soon = () => new Date(Date.now() + 60_000)

test.each([
  ['of a pool', undefined],
  ['of a pool of one connection', { pool: { min: 0, max: 1 } }],
])('a table as it was is read row by row, %s, while the loop uses Knex', async (_, config) => {
  const { knex, audit } = await fullShop(config)
  const ids: number[] = []
  for await (const { id } of audit.tableAsOf<{ id: number }>('orders', soon())) {
    if (ids.push(id) % 100 === 0) await knex('orders').where({ id }).update({ note: 'read' })
  }
  expect(ids).toEqual(Array.from({ length: 300 }, (_, index) => index + 1))
  for await (const _ of audit.tableAsOf('orders', soon())) break
  expect(knex.client.pool.numUsed()).toBe(0)
})

test('in a transaction it shows what that has written, and goes on beside its statements', async () => {
  const { knex, audit } = await fullShop()
  await knex.transaction(async (trx) => {
    await trx('orders').insert({ note: 'mine' })
    await trx.transaction(async (savepoint) => {
      let count = 0
      for await (const { id } of audit.on(savepoint).tableAsOf<{ id: number }>('orders', soon())) {
        if (++count % 100 === 0) await savepoint('orders').where({ id }).update({ note: 'read' })
      }
      expect(count).toBe(301)
    })
    for await (const _ of audit.on(trx).tableAsOf('orders', soon())) break
    await trx.raw('alter table orders add more int')
  })
})

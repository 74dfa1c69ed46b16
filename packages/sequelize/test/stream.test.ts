import { expect, test } from 'vitest'
import { shop } from './support.js'

async function fullShop() {
  const it = await shop()
  await it.sequelize.query('insert into orders (note) select n from generate_series(1, 300) as n')
  return it
}
const soon = () => new Date(Date.now() + 60_000)

test('a table as it was is read row by row, while the loop uses Sequelize', async () => {
  const { Order, audit } = await fullShop()
  const ids: number[] = []
  for await (const { id } of audit.tableAsOf<{ id: number }>('orders', soon())) {
    if (ids.push(id) % 100 === 0) await Order.update({ note: 'read' }, { where: { id } })
  }
  expect(ids).toEqual(Array.from({ length: 300 }, (_, index) => index + 1))
})

test('in a transaction it shows what that has written, and goes on beside its statements', async () => {
  const { Order, sequelize, audit } = await fullShop()
  await sequelize.transaction(async (transaction) => {
    await Order.create({ note: 'mine' }, { transaction })
    let count = 0
    for await (const { id } of audit.on(transaction).tableAsOf<{ id: number }>('orders', soon())) {
      if (++count % 100 === 0) await Order.update({ note: 'read' }, { where: { id }, transaction })
    }
    expect(count).toBe(301)
    for await (const _ of audit.on(transaction).tableAsOf('orders', soon())) break
    await sequelize.query('alter table orders add more int', { transaction })
  })
})

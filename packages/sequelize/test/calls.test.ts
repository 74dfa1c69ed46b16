import { callsFile, callsTable } from '@auditrum/testkit'
import { beforeAll, beforeEach, expect, test } from 'vitest'
import { as, type Order, type Shop, shop, type User } from './support.js'

let it: Shop
let user: User
let order: Order
beforeAll(async () => {
  it = await shop()
  it.Order.addHook('afterUpdate', 'writes', async (_, { transaction }) => {
    if (hooked) await it.Order.create({ note: 'by a hook' }, { transaction: transaction ?? null })
  })
})
beforeEach(async () => {
  const { User, Order } = it
  user = await User.create({ fullName: 'Anna', email: 'anna@example.com' })
  order = await Order.create({ note: 'first', userId: user.id })
  await it.users()
  return async () => {
    hooked = false
    await User.destroy({ where: {}, force: true })
    await Order.destroy({ where: {} })
    await it.users()
  }
})

let hooked = false
const everywhere = { where: {} }
const insert = 'insert into orders (note) values'

/** What an application calls; each writes at least one row of a tracked table. */
const calls: Record<string, () => PromiseLike<unknown>> = {
  'Model.create': () => it.User.create({ fullName: 'Ben' }),
  'Model.create with include': () =>
    it.Order.create({ note: 'x', user: { fullName: 'Ben' } } as never, { include: ['user'] }),
  'Model.bulkCreate': () => it.Order.bulkCreate([{ note: '1' }, { note: '2' }]),
  'Model.bulkCreate with individualHooks': () =>
    it.Order.bulkCreate([{ note: '1' }, { note: '2' }], { individualHooks: true }),
  'Model.bulkCreate with updateOnDuplicate': () =>
    it.Order.bulkCreate([{ id: order.id, note: 'x' }], { updateOnDuplicate: ['note'] }),
  'Model.bulkCreate with ignoreDuplicates': () =>
    it.Order.bulkCreate([{ id: order.id }, { note: 'x' }], { ignoreDuplicates: true }),
  'Model.findOrCreate': () => it.User.findOrCreate({ where: { email: 'b@example.com' } }),
  'Model.findCreateFind': () => it.User.findCreateFind({ where: { email: 'b@example.com' } }),
  'Model.upsert': () => it.User.upsert({ id: user.id, fullName: 'Bea' }),
  'Model.update': () => it.User.update({ fullName: 'Bea' }, everywhere),
  'Model.update with individualHooks': () =>
    it.Order.update({ note: 'x' }, { ...everywhere, individualHooks: true }),
  'Model.update with returning': () =>
    it.Order.update({ note: 'x' }, { ...everywhere, returning: true }),
  'Model.increment': () => it.User.increment('logins', everywhere),
  'Model.decrement': () => it.User.decrement('logins', everywhere),
  'Model.destroy': () => it.Order.destroy(everywhere),
  'Model.destroy of a paranoid model': () => it.User.destroy(everywhere),
  'Model.destroy with force': () => it.User.destroy({ ...everywhere, force: true }),
  'Model.restore': async () => {
    await user.destroy()
    await it.User.restore(everywhere)
  },
  'Model.truncate': () => it.Order.truncate(),
  'instance.save, new': () => it.Order.build({ note: 'x' }).save(),
  'instance.save, changed': () => order.set({ note: 'x' }).save(),
  'instance.update': () => order.update({ note: 'x' }),
  'instance.increment': () => user.increment({ logins: 2 }),
  'instance.decrement': () => user.decrement('logins'),
  'instance.destroy': () => order.destroy(),
  'instance.destroy of a paranoid model': () => user.destroy(),
  'instance.restore': async () => {
    await user.destroy()
    await user.restore()
  },
  'association: create': () => user.createOrder({ note: 'x' }),
  'association: add': async () => user.addOrder(await it.Order.create({ note: 'x' })),
  'association: set': () => user.setOrders([]),
  'a hook that writes': () => {
    hooked = true
    return order.update({ note: 'x' })
  },
  'sequelize.transaction, managed': () =>
    it.sequelize.transaction((transaction) => order.update({ note: 'x' }, { transaction })),
  'sequelize.transaction, unmanaged': async () => {
    const transaction = await it.sequelize.transaction()
    await order.update({ note: 'x' }, { transaction })
    await transaction.commit()
  },
  'sequelize.transaction in a transaction (savepoint)': () =>
    it.sequelize.transaction((outer) =>
      it.sequelize.transaction({ transaction: outer }, (transaction) =>
        order.update({ note: 'x' }, { transaction }),
      ),
    ),
  'sequelize.query': () => it.sequelize.query(`${insert} ('x')`),
  'sequelize.query with replacements': () =>
    it.sequelize.query(`${insert} (?)`, { replacements: ["it's"] }),
  'sequelize.query with bind': () => it.sequelize.query(`${insert} ($1)`, { bind: ['x'] }),
  'sequelize.query with several commands': () =>
    it.sequelize.query(`${insert} ('1'); select 1; ${insert} ('2')`),
  'sequelize.query with WITH': () =>
    it.sequelize.query(`with added as (${insert} ('x') returning id) select * from added`),
  'sequelize.query of a function that writes': () => it.sequelize.query(`select add_order('x')`),
  'queryInterface.bulkInsert': () =>
    it.sequelize.getQueryInterface().bulkInsert('orders', [{ note: 'x' }]),
  'queryInterface.bulkUpdate': () =>
    it.sequelize.getQueryInterface().bulkUpdate('orders', { note: 'x' }, { id: order.id }),
  'queryInterface.bulkDelete': () =>
    it.sequelize.getQueryInterface().bulkDelete('orders', { id: order.id }),
}

/** What is recorded without a user. */
const withoutContext: typeof calls = {
  'sequelize.query of a procedure that commits (CALL)': () =>
    it.sequelize.query('call add_orders()'),
}

test.each(Object.entries(calls))('%s', async (name, call) => {
  await as(name, call)
  expect([...new Set(await it.users())]).toEqual([name])
})

test.each(Object.entries(withoutContext))('%s', async (name, call) => {
  await as(name, call)
  expect([...new Set(await it.users())]).toEqual([null])
})

test('the table of these calls in the documentation is of this test', async () => {
  const answers = (of: typeof calls, answer: string) =>
    Object.fromEntries(Object.keys(of).map((call) => [call, answer]))
  const table = callsTable('Sequelize 6', {
    ...answers(calls, 'yes'),
    ...answers(withoutContext, 'no'),
  })
  await expect(table).toMatchFileSnapshot(callsFile('sequelize'))
})

import { on } from 'node:events'
import { callsFile, callsTable } from '@auditrum/testkit'
import type { Knex } from 'knex'
import { Model } from 'objection'
import { beforeAll, expect, test } from 'vitest'
import { withContext } from '../src/index.js'
import { as, type Shop, shop } from './support.js'

let it: Shop
beforeAll(async () => {
  it = await shop()
  Order.knex(it.knex)
  await it.knex('orders').insert([{ note: 'a' }, { note: 'b' }])
  await it.users()
})

class Order extends Model {
  static override tableName = 'orders'
  static override relationMappings = () => ({
    lines: {
      relation: Model.HasManyRelation,
      modelClass: Line,
      join: { from: 'orders.id', to: 'lines.order_id' },
    },
  })
  declare id: number
  declare note: string
}

class Line extends Model {
  static override tableName = 'lines'
  static override idColumn = ['order_id', 'line']
}

const note = { note: 'x' }
const insert = "insert into orders (note) values ('x')"

/** How applications write with Knex. */
const calls: Record<string, (knex: Knex) => PromiseLike<unknown>> = {
  'knex(table).insert()': (knex) => knex('orders').insert(note),
  'knex(table).insert().returning()': (knex) => knex('orders').insert(note).returning('id'),
  'knex(table).insert().onConflict().merge()': (knex) =>
    knex('orders').insert({ id: 1, note: 'merged' }).onConflict('id').merge(),
  'knex(table).update()': (knex) => knex('orders').update({ note: 'updated' }).where({ id: 1 }),
  'knex(table).increment()': (knex) =>
    knex('lines')
      .insert({ order_id: 1, line: 1 })
      .then(() => knex('lines').increment('line', 1)),
  'knex(table).delete()': (knex) => knex('lines').delete(),
  'knex.batchInsert()': (knex) => knex.batchInsert('orders', [note, note, note], 2),
  'knex.raw()': (knex) => knex.raw('insert into orders (note) values (?)', ['x']),
  'knex.raw() of several commands': (knex) => knex.raw(`${insert}; ${insert}`),
  'knex.with() of a query that writes': (knex) =>
    knex.with('added', knex('orders').insert(note).returning('*')).from('added'),
  'knex.select() of a function that writes': (knex) => knex.select(knex.raw("add_order('x')")),
  'knex.schema.raw()': (knex) => knex.schema.raw(insert),
  '.stream() of a query that writes': async (knex) => {
    for await (const _ of knex.raw(`${insert} returning id`).stream());
  },
  '.pipe() of a query that writes': async (knex) => {
    const stream = knex.raw(`${insert} returning id`).stream()
    for await (const _ of on(stream, 'data', { close: ['end'] }));
  },
  '.asCallback()': (knex) =>
    new Promise((resolve, reject) => {
      knex('orders')
        .insert(note)
        .asCallback((error: unknown) => (error ? reject(error) : resolve(undefined)))
    }),
  'a query inside .asCallback()': (knex) =>
    new Promise((resolve, reject) => {
      knex.select(1).asCallback(() => knex('orders').insert(note).then(resolve, reject))
    }),
  'knex.transaction(callback)': (knex) =>
    knex.transaction(async (trx) => {
      await trx('orders').insert(note)
      await trx.raw(insert)
    }),
  'knex.transaction(callback) with transacting()': (knex) =>
    knex.transaction((trx) => knex('orders').insert(note).transacting(trx)),
  'knex.transaction() and commit()': async (knex) => {
    const trx = await knex.transaction()
    await trx('orders').insert(note)
    await trx.commit()
  },
  'knex.transactionProvider()': async (knex) => {
    const provide = knex.transactionProvider()
    const trx = await provide()
    await trx('orders').insert(note)
    await (await provide()).commit()
  },
  'a nested transaction': (knex) =>
    knex.transaction((trx) => trx.transaction((inner) => inner('orders').insert(note))),
  'after a savepoint that was rolled back': (knex) =>
    knex.transaction(async (trx) => {
      await trx('orders').insert(note)
      const inner = await trx.transaction()
      await inner('orders').insert(note)
      await inner.rollback(new Error('not this one'))
      await trx('orders').insert(note)
    }),
  'knex.withUserParams()': (knex) => knex.withUserParams({ tenant: 1 })('orders').insert(note),
  'Objection: Model.query().insert()': () => Order.query().insert(note),
  'Objection: Model.query().patch()': () => Order.query().patch({ note: 'patched' }).findById(1),
  'Objection: instance.$query().delete()': async () => {
    const order = await Order.query().insert(note)
    await order.$query().delete()
  },
  'Objection: insertGraph()': () =>
    Order.query().insertGraph({ note: 'x', lines: [{ line: 1 }, { line: 2 }] } as object),
  'Objection: Model.transaction()': () =>
    Order.transaction(async (trx) => Order.query(trx).insert(note)),
}

test.each(Object.entries(calls))('%s', async (name, call) => {
  await as(name, () => call(it.knex))
  const users = await it.users()
  expect(users.length).toBeGreaterThan(0)
  expect(new Set(users)).toEqual(new Set([name]))
})

test('a query that a block returns carries its context, wherever it is awaited', async () => {
  await withContext({ user_id: 'anna' }, () => it.knex('orders').insert(note))
  const query = withContext({ user_id: 'ben' }, () => it.knex.raw(insert))
  await as('cleo', () => query)
  expect(await it.users()).toEqual(['anna', 'ben'])
})

test('the table of these calls in the documentation is of this test', async () => {
  const answers = Object.fromEntries(Object.keys(calls).map((call) => [call, 'yes']))
  await expect(callsTable('Knex 3', answers)).toMatchFileSnapshot(callsFile('knex'))
})

import {
  type EntityManager,
  EntitySchema,
  MikroORM,
  type Options,
  PostgreSqlKnexDialect,
} from '@mikro-orm/postgresql'
import type pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { auditrum, withContext } from '../../src/index.js'
import { expectClean, type Shop, shop } from '../support.js'
import { as, everyCallerIsItself } from './callers.js'

interface Order {
  id: number
  note: string | null
}

const Order = new EntitySchema<Order>({
  name: 'Order',
  tableName: 'orders',
  properties: {
    id: { type: 'integer', primary: true, autoincrement: true },
    note: { type: 'text', nullable: true },
  },
})

/** MikroORM pools connections by Knex, which tells of each one that it makes. */
function clientsWrapped(): Options {
  return {
    pool: {
      min: 0,
      max: 2,
      afterCreate(client: unknown, done: unknown) {
        auditrum(client as pg.Client, { maintain: false })
        ;(done as (error: null, client: unknown) => void)(null, client)
      },
    },
  }
}

/** Knex asks its dialect for connections. */
function poolHandedIn({ pool }: Shop): Options {
  return {
    driverOptions: {
      client: class extends PostgreSqlKnexDialect {
        acquireConnection(): Promise<pg.PoolClient> {
          return pool.connect()
        }
        async releaseConnection(client: pg.PoolClient): Promise<void> {
          client.release()
        }
      },
    },
  }
}

describe.each([
  ['whose clients are wrapped', clientsWrapped],
  ['given our pool', poolHandedIn],
])('MikroORM %s', (_, options) => {
  let it: Shop
  let orm: MikroORM
  beforeAll(async () => {
    it = await shop({ max: 2 })
    orm = await MikroORM.init({
      clientUrl: it.database.url,
      entities: [Order],
      ...options(it),
    })
    afterAll(() => orm.close())
  })
  afterEach(async () => {
    const { client: dialect } = orm.em.getKnex()
    const clients = await Promise.all([dialect.acquireConnection(), dialect.acquireConnection()])
    for (const client of clients) {
      await expectClean(client)
      await dialect.releaseConnection(client)
    }
  })
  const insert = (em: EntityManager, note: string) => em.insert(Order, { note })

  test('insert, update, delete, upsert and bulk', async () => {
    const em = orm.em.fork()
    const id = await as('anna', () => insert(em, 'x'))
    await as('ben', () => em.nativeUpdate(Order, { id }, { note: 'y' }))
    await as('cleo', () => em.upsert(Order, { id, note: 'z' }))
    await as('dora', () => em.nativeDelete(Order, { id }))
    await as('emil', () => em.insertMany(Order, [{ note: '1' }, { note: '2' }]))
    await as('fred', () => em.nativeUpdate(Order, {}, { note: 'all' }))
    await insert(em, 'nobody')
    expect(await it.users()).toEqual(
      ['anna', 'ben', 'cleo', 'dora', 'emil', 'emil', 'fred', 'fred', null], //
    )
  })

  test('what a flush writes, a builder, Knex, and raw SQL', async () => {
    const em = orm.em.fork()
    const order = em.create(Order, { note: 'x' })
    em.create(Order, { note: 'y' })
    await as('anna', () => em.flush())
    order.note = 'changed'
    await as('ben', () => em.flush())
    await as('cleo', () => em.removeAndFlush(order))
    await as('dora', () => em.createQueryBuilder(Order).insert({ note: 'b' }).execute())
    await as('emil', () => em.getKnex()('orders').insert({ note: 'k' }))
    await as('fred', () => em.execute('insert into orders (note) values (?)', ['r']))
    expect(await it.users()).toEqual(['anna', 'anna', 'ben', 'cleo', 'dora', 'emil', 'fred'])
  })

  test('a transaction, and who writes in it', async () => {
    const em = orm.em.fork()
    await as('anna', () =>
      em.transactional(async (tx) => {
        await tx.findAll(Order)
        await insert(tx, '1')
        await as('ben', () => insert(tx, '2'))
        tx.create(Order, { note: '3' }) // flushed at the end
      }),
    )
    await em.transactional((tx) => as('cleo', () => insert(tx, '4')))
    await em.transactional((tx) => insert(tx, '5'))
    await as('dora', async () => {
      await em.begin()
      await insert(em, '6')
      await em.rollback()
    })
    expect(await it.users()).toEqual(['anna', 'ben', 'anna', 'cleo', null])
  })

  test('a transaction in a transaction is a savepoint, also one that is rolled back', async () => {
    await as('anna', () =>
      orm.em.fork().transactional(async (tx) => {
        await insert(tx, '1')
        await tx.transactional((inner) => as('ben', () => insert(inner, '2')))
        await expect(
          tx.transactional(async (inner) => {
            await as('cleo', () => insert(inner, '3'))
            throw new Error('taken back')
          }),
        ).rejects.toThrow('taken back')
        await insert(tx, '4')
      }),
    )
    expect(await it.users()).toEqual(['anna', 'ben', 'anna'])
  })

  test('200 callers at once on two connections', async () => {
    await everyCallerIsItself(it, 1, async (note) => {
      const em = orm.em.fork()
      em.create(Order, { note })
      await em.flush()
    })
  })

  test('200 transactions at once on two connections', async () => {
    await everyCallerIsItself(it, 2, (note) =>
      orm.em.fork().transactional(async (tx) => {
        await tx.transactional((inner) => insert(inner, note))
        await insert(tx, note)
      }),
    )
  })

  // withContext gives the query back as it is, and who awaits it starts it, outside
  test('a query that is returned before it has started', async () => {
    const em = orm.em.fork()
    await withContext({ user_id: 'anna' }, () => em.createQueryBuilder(Order).insert({ note: 'x' }))
    await withContext({ user_id: 'ben' }, () => em.getKnex()('orders').insert({ note: 'y' }))
    expect(await it.users()).toEqual(['anna', 'ben'])
  })
})

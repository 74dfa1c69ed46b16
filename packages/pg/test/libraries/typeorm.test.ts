import { DataSource, type EntityManager, EntitySchema } from 'typeorm'
import type { PostgresDriver } from 'typeorm/driver/postgres/PostgresDriver.js'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { auditrum } from '../../src/index.js'
import { type Shop, shop } from '../support.js'
import { as, everyCallerIsItself, expectCleanPool } from './callers.js'

interface Order {
  id: number
  note: string | null
}

const Order = new EntitySchema<Order>({
  name: 'Order',
  tableName: 'orders',
  columns: {
    // not `generated`: TypeORM would leave its value out of an upsert
    id: { type: 'integer', primary: true, default: () => "nextval('orders_id_seq')" },
    note: { type: 'text', nullable: true },
  },
})

/** TypeORM makes its pool by `new driver.Pool(…)`, and what a constructor returns is what `new` gives. */
async function poolHandedIn(it: Shop): Promise<DataSource> {
  function Pool() {
    return it.pool
  }
  return new DataSource({ type: 'postgres', driver: { Pool }, entities: [Order] }).initialize()
}

async function poolWrapped(it: Shop): Promise<DataSource> {
  const dataSource = await new DataSource({
    type: 'postgres',
    url: it.database.url,
    poolSize: 2,
    entities: [Order],
  }).initialize()
  const audit = auditrum(poolOf(dataSource), { maintain: false })
  afterAll(() => audit.close())
  return dataSource
}

const poolOf = (dataSource: DataSource) => (dataSource.driver as PostgresDriver).master

describe.each([
  ['given our pool', poolHandedIn],
  ['whose pool is wrapped', poolWrapped],
])('TypeORM %s', (_, open) => {
  let it: Shop
  let db: DataSource
  beforeAll(async () => {
    it = await shop({ max: 2 })
    db = await open(it)
    afterAll(() => db.destroy())
  })
  afterEach(() => expectCleanPool(poolOf(db)))
  const insert = (on: EntityManager | DataSource, note: string) =>
    on.getRepository(Order).insert({ note })

  test('insert, update, delete, upsert and bulk', async () => {
    const orders = db.getRepository(Order)
    const { identifiers } = await as('anna', () => orders.insert({ note: 'x' }))
    const id = identifiers[0]?.id as number
    await as('ben', () => orders.update(id, { note: 'y' }))
    await as('cleo', () => orders.upsert({ id, note: 'z' }, ['id']))
    await as('dora', () => orders.delete(id))
    await as('emil', () => orders.insert([{ note: '1' }, { note: '2' }]))
    await as('fred', () =>
      db.createQueryBuilder().update(Order).set({ note: 'all' }).where('true').execute(),
    )
    await orders.insert({ note: 'nobody' })
    expect(await it.users()).toEqual(
      ['anna', 'ben', 'cleo', 'dora', 'emil', 'emil', 'fred', 'fred', null], //
    )
  })

  test('save and remove of entities, a builder, and raw SQL', async () => {
    const orders = db.getRepository(Order)
    const saved = await as('anna', () => orders.save([{ note: '1' }, { note: '2' }]))
    await as('ben', () => orders.save(saved.map((each) => ({ ...each, note: 'changed' }))))
    await as('cleo', () => orders.remove(saved))
    await as('dora', () =>
      db.createQueryBuilder().insert().into(Order).values({ note: 'x' }).execute(),
    )
    await as('emil', () => db.query('insert into orders (note) values ($1)', ['x']))
    expect(await it.users()).toEqual(
      ['anna', 'anna', 'ben', 'ben', 'cleo', 'cleo', 'dora', 'emil'], //
    )
  })

  test('a transaction, and who writes in it', async () => {
    await as('anna', () =>
      db.transaction('SERIALIZABLE', async (manager) => {
        await manager.find(Order)
        await insert(manager, '1')
        await as('ben', () => insert(manager, '2'))
        await insert(manager, '3')
      }),
    )
    await db.transaction((manager) => as('cleo', () => insert(manager, '4')))
    await db.transaction((manager) => insert(manager, '5'))
    expect(await it.users()).toEqual(['anna', 'ben', 'anna', 'cleo', null])
  })

  test('a transaction in a transaction is a savepoint, also one that is rolled back', async () => {
    await as('anna', () =>
      db.transaction(async (manager) => {
        await insert(manager, '1')
        await manager.transaction((inner) => as('ben', () => insert(inner, '2')))
        await expect(
          manager.transaction(async (inner) => {
            await as('cleo', () => insert(inner, '3'))
            throw new Error('taken back')
          }),
        ).rejects.toThrow('taken back')
        await insert(manager, '4')
      }),
    )
    expect(await it.users()).toEqual(['anna', 'ben', 'anna'])
  })

  test('a query runner', async () => {
    const runner = db.createQueryRunner()
    await as('anna', async () => {
      await runner.startTransaction()
      await insert(runner.manager, '1')
      await runner.rollbackTransaction()
      await runner.startTransaction()
      await insert(runner.manager, '2')
      await runner.commitTransaction()
    })
    await insert(runner.manager, '3')
    await as('ben', () => insert(runner.manager, '4'))
    await runner.release()
    expect(await it.users()).toEqual(['anna', null, 'ben'])
  })

  test('200 callers at once on two connections', async () => {
    await everyCallerIsItself(it, 1, (note) => insert(db, note))
  })

  test('200 transactions at once on two connections', async () => {
    await everyCallerIsItself(it, 3, (note) =>
      db.transaction(async (manager) => {
        await insert(manager, note)
        await manager.transaction((inner) => insert(inner, note))
        await insert(manager, note)
      }),
    )
  })
})

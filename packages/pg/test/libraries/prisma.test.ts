import { PrismaPg } from '@prisma/adapter-pg'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { withContext } from '../../src/index.js'
import { type Shop, shop } from '../support.js'
import { as, everyCallerIsItself, expectCleanPool } from './callers.js'
import { PrismaClient } from './prisma-client.js'

let it: Shop
let db: PrismaClient
beforeAll(async () => {
  it = await shop({ max: 2 })
  await it.database.query(`
    create table lines (id serial primary key, note text, order_id int references orders);
    select auditrum.track('lines')`)
  db = new PrismaClient({ adapter: new PrismaPg(it.pool) })
  afterAll(() => db.$disconnect())
})
afterEach(() => expectCleanPool(it.pool))

const insert = (on: PrismaClient, note: string) => on.order.create({ data: { note } })

describe('Prisma', () => {
  test('insert, update, delete, upsert and bulk', async () => {
    const { id } = await as('anna', () => insert(db, 'x'))
    await as('ben', () => db.order.update({ where: { id }, data: { note: 'y' } }))
    const upsert = { where: { id }, create: { note: 'new' }, update: { note: 'z' } }
    await as('cleo', () => db.order.upsert(upsert))
    await as('dora', () => db.order.delete({ where: { id } }))
    await as('emil', () => db.order.createMany({ data: [{ note: '1' }, { note: '2' }] }))
    await as('fred', () => db.order.updateMany({ data: { note: 'all' } }))
    await insert(db, 'nobody')
    expect(await it.users()).toEqual(
      ['anna', 'ben', 'cleo', 'dora', 'emil', 'emil', 'fred', 'fred', null], //
    )
  })

  test('a nested write, which is a transaction of its own, and raw SQL', async () => {
    const lines = { create: [{ note: '1' }, { note: '2' }] }
    await as('anna', () => db.order.create({ data: { note: 'with lines', lines } }))
    await as('ben', () => db.$executeRaw`insert into orders (note) values (${'x'})`)
    expect(await it.users()).toEqual(['anna', 'anna', 'anna', 'ben'])
  })

  test('named statements', async () => {
    const named = new PrismaClient({
      adapter: new PrismaPg(it.pool, { statementNameGenerator: ({ sql }) => `s${sql.length}` }),
    })
    for (const user of ['anna', 'ben', 'cleo']) await as(user, () => insert(named, user))
    await insert(named, 'nobody')
    await named.$disconnect()
    expect(await it.users()).toEqual(['anna', 'ben', 'cleo', null])
  })

  test('a transaction, and who writes in it', async () => {
    await as('anna', () =>
      db.$transaction(
        async (tx) => {
          await tx.order.findMany()
          await insert(tx, '1')
          await as('ben', () => insert(tx, '2'))
          await insert(tx, '3')
        },
        { isolationLevel: 'Serializable' },
      ),
    )
    await db.$transaction((tx) => as('cleo', () => insert(tx, '4')))
    await db.$transaction(async (tx) => await insert(tx, '5'))
    expect(await it.users()).toEqual(['anna', 'ben', 'anna', 'cleo', null])
  })

  test('a list of queries is a transaction', async () => {
    await as('anna', () => db.$transaction([insert(db, '1'), insert(db, '2')]))
    await expect(
      as('ben', () =>
        db.$transaction([insert(db, '3'), db.$executeRaw`insert into nothing values (1)`]),
      ),
    ).rejects.toThrow('nothing')
    expect(await it.users()).toEqual(['anna', 'anna'])
  })

  test('a transaction in a transaction is a savepoint, also one that is rolled back', async () => {
    await as('anna', () =>
      db.$transaction(async (tx) => {
        await insert(tx, '1')
        await tx.$transaction((inner) => as('ben', () => insert(inner, '2')))
        await expect(
          tx.$transaction(async (inner) => {
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
    await everyCallerIsItself(it, 1, (note) => insert(db, note))
  })

  test('200 transactions at once on two connections', async () => {
    await everyCallerIsItself(it, 3, (note) =>
      db.$transaction(
        async (tx) => {
          await insert(tx, note)
          await tx.$transaction(async (inner) => await insert(inner, note))
          await insert(tx, note)
        },
        { maxWait: 30_000, timeout: 30_000 },
      ),
    )
  })

  // withContext gives the query back as it is, and who awaits it starts it, outside
  test('a query that is returned before it has started', async () => {
    await withContext({ user_id: 'anna' }, () => insert(db, 'x'))
    expect(await it.users()).toEqual(['anna'])
  })
})

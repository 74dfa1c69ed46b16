import { eq, sql } from 'drizzle-orm'
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres'
import { integer, pgTable, text } from 'drizzle-orm/pg-core'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { withContext } from '../../src/index.js'
import { type Shop, shop } from '../support.js'
import { as, everyCallerIsItself, expectCleanPool } from './callers.js'

const orders = pgTable('orders', {
  id: integer().primaryKey().generatedByDefaultAsIdentity(),
  note: text(),
})

let it: Shop
let db: NodePgDatabase
beforeAll(async () => {
  it = await shop({ max: 2 })
  db = drizzle(it.pool)
})
afterEach(() => expectCleanPool(it.pool))

describe('Drizzle', () => {
  test('insert, update, delete, upsert and bulk', async () => {
    const [row] = await as('anna', () => db.insert(orders).values({ note: 'x' }).returning())
    const id = row?.id as number
    await as('ben', () => db.update(orders).set({ note: 'y' }).where(eq(orders.id, id)))
    await as('cleo', () =>
      db
        .insert(orders)
        .values({ id, note: 'z' })
        .onConflictDoUpdate({ target: orders.id, set: { note: 'z' } }),
    )
    await as('dora', () => db.delete(orders).where(eq(orders.id, id)))
    await as('emil', () => db.insert(orders).values([{ note: '1' }, { note: '2' }]))
    await as('fred', () => db.update(orders).set({ note: 'all' }))
    await db.insert(orders).values({ note: 'nobody' })
    expect(await it.users()).toEqual(
      ['anna', 'ben', 'cleo', 'dora', 'emil', 'emil', 'fred', 'fred', null], //
    )
  })

  test('a prepared statement, raw SQL, and a WITH that writes', async () => {
    const insert = db
      .insert(orders)
      .values({ note: sql.placeholder('note') })
      .prepare('insert_order')
    await as('anna', () => insert.execute({ note: 'x' }))
    await as('ben', () => insert.execute({ note: 'y' }))
    await insert.execute({ note: 'z' })
    await as('cleo', () => db.execute(sql`insert into orders (note) values (${'x'})`))
    const added = db.$with('added').as(db.insert(orders).values({ note: 'w' }).returning())
    expect(await as('dora', () => db.with(added).select().from(added))).toHaveLength(1)
    expect(await it.users()).toEqual(['anna', 'ben', null, 'cleo', 'dora'])
  })

  test('a transaction, and who writes in it', async () => {
    await as('anna', () =>
      db.transaction(
        async (tx) => {
          await tx.select().from(orders)
          await tx.insert(orders).values({ note: '1' })
          await as('ben', () => tx.insert(orders).values({ note: '2' }))
          await tx.insert(orders).values({ note: '3' })
        },
        { isolationLevel: 'serializable' },
      ),
    )
    await db.transaction((tx) => as('cleo', () => tx.insert(orders).values({ note: '4' })))
    await db.transaction((tx) => tx.insert(orders).values({ note: '5' }))
    expect(await it.users()).toEqual(['anna', 'ben', 'anna', 'cleo', null])
  })

  test('a transaction in a transaction is a savepoint, also one that is rolled back', async () => {
    await as('anna', () =>
      db.transaction(async (tx) => {
        await tx.insert(orders).values({ note: '1' })
        await tx.transaction((inner) => as('ben', () => inner.insert(orders).values({ note: '2' })))
        await tx
          .transaction(async (inner) => {
            await as('cleo', () => inner.insert(orders).values({ note: '3' }))
            inner.rollback()
          })
          .catch(() => undefined)
        await tx.insert(orders).values({ note: '4' })
      }),
    )
    await expect(
      as('dora', () =>
        db.transaction(async (tx) => {
          await tx.insert(orders).values({ note: '5' })
          tx.rollback()
        }),
      ),
    ).rejects.toThrow('Rollback')
    expect(await it.users()).toEqual(['anna', 'ben', 'anna'])
  })

  test('200 callers at once on two connections', async () => {
    await everyCallerIsItself(it, 1, (note) => db.insert(orders).values({ note }))
  })

  test('200 transactions at once on two connections', async () => {
    await everyCallerIsItself(it, 3, (note) =>
      db.transaction(async (tx) => {
        await tx.insert(orders).values({ note })
        await tx.transaction((inner) => inner.insert(orders).values({ note }))
        await tx.insert(orders).values({ note })
      }),
    )
  })

  // withContext gives the query back as it is, and who awaits it starts it, outside
  test('a query that is returned before it has started', async () => {
    await withContext({ user_id: 'anna' }, () => db.insert(orders).values({ note: 'x' }))
    expect(await it.users()).toEqual(['anna'])
  })
})

import { type Generated, Kysely, PostgresDialect, sql } from 'kysely'
import Cursor from 'pg-cursor'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type Shop, shop } from '../support.js'
import { as, everyCallerIsItself, expectCleanPool } from './callers.js'

interface Tables {
  orders: { id: Generated<number>; note: string | null }
}

let it: Shop
let db: Kysely<Tables>
beforeAll(async () => {
  it = await shop({ max: 2 })
  db = new Kysely({ dialect: new PostgresDialect({ pool: it.pool, cursor: Cursor }) })
})
afterEach(() => expectCleanPool(it.pool))

describe('Kysely', () => {
  test('insert, update, delete, upsert and bulk', async () => {
    const { id } = await as('anna', () =>
      db.insertInto('orders').values({ note: 'x' }).returning('id').executeTakeFirstOrThrow(),
    )
    await as('ben', () =>
      db.updateTable('orders').set({ note: 'y' }).where('id', '=', id).execute(),
    )
    await as('cleo', () =>
      db
        .insertInto('orders')
        .values({ id, note: 'z' })
        .onConflict((conflict) => conflict.column('id').doUpdateSet({ note: 'z' }))
        .execute(),
    )
    await as('dora', () => db.deleteFrom('orders').where('id', '=', id).execute())
    await as('emil', () =>
      db
        .insertInto('orders')
        .values([{ note: '1' }, { note: '2' }])
        .execute(),
    )
    await as('fred', () => db.updateTable('orders').set({ note: 'all' }).execute())
    await db.insertInto('orders').values({ note: 'nobody' }).execute()
    expect(await it.users()).toEqual(
      ['anna', 'ben', 'cleo', 'dora', 'emil', 'emil', 'fred', 'fred', null], //
    )
  })

  test('raw SQL, a WITH that writes, a stream, and a connection of its own', async () => {
    await as('anna', () => sql`insert into orders (note) values (${'x'})`.execute(db))
    await as('ben', () =>
      db
        .with('added', (with_) => with_.insertInto('orders').values({ note: 'w' }).returningAll())
        .selectFrom('added')
        .selectAll()
        .execute(),
    )
    await as('cleo', async () => {
      const insert = db.insertInto('orders').values([{ note: '1' }, { note: '2' }])
      for await (const { id } of insert.returning('id').stream(1)) expect(id).toBeGreaterThan(0)
    })
    await as('dora', () =>
      db.connection().execute((own) => own.insertInto('orders').values({ note: 'own' }).execute()),
    )
    expect(await it.users()).toEqual(['anna', 'ben', 'cleo', 'cleo', 'dora'])
  })

  test('a transaction, and who writes in it', async () => {
    const insert = (on: Kysely<Tables>, note: string) =>
      on.insertInto('orders').values({ note }).execute()
    await as('anna', () =>
      db
        .transaction()
        .setIsolationLevel('serializable')
        .execute(async (tx) => {
          await tx.selectFrom('orders').selectAll().execute()
          await insert(tx, '1')
          await as('ben', () => insert(tx, '2'))
          await insert(tx, '3')
        }),
    )
    await db.transaction().execute((tx) => as('cleo', () => insert(tx, '4')))
    await db.transaction().execute((tx) => insert(tx, '5'))
    await expect(
      as('dora', () =>
        db.transaction().execute(async (tx) => {
          await insert(tx, '6')
          throw new Error('taken back')
        }),
      ),
    ).rejects.toThrow('taken back')
    expect(await it.users()).toEqual(['anna', 'ben', 'anna', 'cleo', null])
  })

  test('a controlled transaction with savepoints, also one that is rolled back', async () => {
    await as('anna', async () => {
      const begun = await db.startTransaction().execute()
      await begun.insertInto('orders').values({ note: '1' }).execute()
      const first = await begun.savepoint('first').execute()
      await as('ben', () => first.insertInto('orders').values({ note: '2' }).execute())
      const released = await first.releaseSavepoint('first').execute()
      const second = await released.savepoint('second').execute()
      await as('cleo', () => second.insertInto('orders').values({ note: '3' }).execute())
      const back = await second.rollbackToSavepoint('second').execute()
      await back.insertInto('orders').values({ note: '4' }).execute()
      await back.commit().execute()
    })
    expect(await it.users()).toEqual(['anna', 'ben', 'anna'])
  })

  test('200 callers at once on two connections', async () => {
    await everyCallerIsItself(it, 1, (note) => db.insertInto('orders').values({ note }).execute())
  })

  test('200 transactions at once on two connections', async () => {
    await everyCallerIsItself(it, 3, (note) =>
      db.transaction().execute(async (tx) => {
        await tx.insertInto('orders').values({ note }).execute()
        await sql`savepoint inner_one`.execute(tx)
        await tx.insertInto('orders').values({ note }).execute()
        await sql`release savepoint inner_one`.execute(tx)
        await tx.insertInto('orders').values({ note }).execute()
      }),
    )
  })
})

import { type Pooler, pgbouncer, startPgBouncer } from '@auditrum/testkit'
import { testServer } from '@auditrum/testkit/vitest'
import type pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { withContext } from '../src/index.js'
import { attribute } from './attribution.js'
import { expectClean, type Shop, shop } from './support.js'

if (!pgbouncer) process.stderr.write('PgBouncer is not installed: its tests are SKIPPED.\n')

describe.skipIf(!pgbouncer)('through PgBouncer, in transaction mode with one connection', () => {
  let pooler: Pooler
  let it: Shop
  beforeAll(async () => {
    pooler = await startPgBouncer(testServer())
    it = await shop({ max: 5 }, { url: (database) => pooler.url(database) })
    await it.database.query(`
      create procedure twice() language plpgsql as $$ begin
        insert into orders default values; commit; insert into orders default values;
      end $$`)
  })
  afterAll(() => pooler?.stop())
  const as = <Result>(user: string, act: () => Result) => withContext({ user_id: user }, act)

  test.each([
    ['a statement', `insert into orders default values`, 1],
    ['several commands', 'insert into orders default values; insert into orders default values', 2],
    [
      'several with a transaction',
      'begin; insert into orders default values; commit; insert into orders default values',
      2,
    ],
    ['DO', 'do $$ begin insert into orders default values; end $$', 1],
  ])('%s carries the context, and leaves nothing', async (_, text, count) => {
    await as('anna', () => it.pool.query(text))
    await it.pool.query('insert into orders default values')
    expect(await it.users()).toEqual([...Array(count).fill('anna'), null])
  })

  test('a procedure that commits, VACUUM, and an error do no harm', async () => {
    await as('anna', () => it.pool.query('call twice()'))
    await as('anna', () => it.pool.query('vacuum orders'))
    await expect(
      as('anna', () => it.pool.query('insert into orders (nothing) values ($1)', [1])),
    ).rejects.toMatchObject({ code: '42703' })
    for (const user of await it.users()) expect([null, 'anna']).toContain(user)
    const client: pg.PoolClient = await it.pool.connect()
    await expectClean(client)
    client.release()
  })

  test('a table as it was is read row by row, and the one connection is free again', async () => {
    await it.pool.query('insert into orders (note) select n from generate_series(1, 200) as n')
    await it.users()
    const at = new Date(Date.now() + 60_000)
    let count = 0
    await as('anna', async () => {
      for await (const _ of it.audit.tableAsOf('orders', at)) count++
      for await (const _ of it.audit.tableAsOf('orders', at)) break
    })
    expect(count).toBeGreaterThanOrEqual(200)
    await it.pool.query('insert into orders default values')
    expect(await it.users()).toEqual([null])
  })

  test('2,000 callers at once, in every calling style: every event has its own user', async () => {
    const many = await shop({ max: 5 }, { url: (database) => pooler.url(database) })
    // named statements need max_prepared_statements, which PgBouncer has since 1.21
    await attribute(many, 2_000, ['a named statement'])
  })
})

import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { Auditrum } from '../../src/index.js'
import { age, splitByYear } from '../keep/support.js'
import { auditedDatabase } from '../support.js'

/** A table with rows whose events are three years old, and some whose events are of today. */
async function aged(image: 'full' | 'changed' = 'full') {
  const database = await auditedDatabase()
  const audit = new Auditrum(database)
  await database.tracked('orders', 'create table orders (id int primary key, a int, b int)', {
    image,
  })
  await database.tracked('notes', 'create table notes (a int)')
  await database.query(`
    insert into orders select n, n, n from generate_series(1, 6) as n;
    insert into notes values (1), (2);
    delete from orders where id = 6;
    update auditrum.audit_table set tracked = '{[2020-01-01,)}', rows_known_since = '2020-01-01'`)
  await splitByYear(database)
  await age(database, '3 years')
  await database.query(
    'update orders set a = 0 where id in (1, 2); insert into orders values (7, 7, 7)',
  )
  const verified = async (table = 'orders') => {
    const { tables } = await audit.verifyTables(table)
    const [found] = tables
    return { ...found, problems: found?.problems.map(({ kind, id }) => `${kind} ${id}`).toSorted() }
  }
  const unlogged = (sql: string) =>
    database.query(`begin; set local session_replication_role = replica; ${sql}; commit`)
  return { database, audit, verified, unlogged }
}

test.each([true, false])(
  'rows whose events were purged are unknown, not wrong (dropPartitions: %s)',
  async (dropPartitions) => {
    const { audit, verified, unlogged } = await aged()
    expect(await verified()).toMatchObject({ rows: 6, verified: 6, complete: true, problems: [] })
    expect(await audit.purge({ olderThan: '1 year', dropPartitions })).toMatchObject({
      events: expect.any(Number),
    })
    expect(await verified()).toMatchObject({
      rows: 6,
      verified: 3,
      unknown: 3,
      complete: false,
      problems: [],
    })
    expect(await verified('notes')).toMatchObject({ rows: 2, unknown: 2, problems: [] })

    await unlogged(
      'update orders set b = 9 where id in (1, 3); delete from orders where id in (2, 4)',
    )
    expect(await verified()).toMatchObject({
      rows: 4,
      unknown: 2,
      problems: ['unlogged_delete 2', 'unlogged_update 1'],
    })
  },
)

test('noted again after a purge, each row is known', async () => {
  const { audit, database, verified, unlogged } = await aged()
  await audit.purge({ olderThan: '1 year' })
  await database.query(`select auditrum.backfill('orders')`)
  expect(await verified()).toMatchObject({ rows: 6, verified: 6, unknown: 0, problems: [] })
  await unlogged('update orders set b = 9 where id = 3; delete from orders where id = 4')
  expect(await verified()).toMatchObject({ problems: ['unlogged_delete 4', 'unlogged_update 3'] })
})

test('of a row whose first whole image was purged the log knows a part', async () => {
  const { audit, verified, unlogged } = await aged('changed')
  await audit.purge({ olderThan: '1 year' })
  expect(await verified()).toMatchObject({
    rows: 6,
    verified: 1,
    partial: 2,
    unknown: 3,
    problems: [],
  })
  await unlogged('update orders set a = 5 where id = 1; update orders set b = 5 where id = 2')
  expect(await verified()).toMatchObject({ problems: ['unlogged_update 1'] })
})

test('a purge that is under way when somebody compares takes nothing away that was counted on', async () => {
  const { database } = await aged()
  const [other, reader] = [await database.client(), await database.client()]
  await other.query('begin')
  await new Auditrum(other).purge({ olderThan: '1 year', dropPartitions: true })
  const { rows: own } = await reader.query('select pg_backend_pid() as pid')
  const answer = new Auditrum(reader).verifyTables('orders')
  const { rows } = await database.query(
    "select exists (select from pg_locks where relation = 'auditrum.audit_event'::regclass and mode = 'AccessExclusiveLock') as is_locked",
  )
  expect(rows).toEqual([{ is_locked: true }])
  const isWaiting = async () =>
    (await database.query('select from pg_locks where pid = $1 and not granted', [own[0].pid]))
      .rowCount
  while ((await isWaiting()) === 0) await sleep(5)
  await other.query('commit')
  expect(await answer).toMatchObject({ ok: true })
})

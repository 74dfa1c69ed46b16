import { expect, test } from 'vitest'
import { Auditrum } from '../../src/index.js'
import { auditedDatabase } from '../support.js'

const database = await auditedDatabase()
const client = await database.client()
const audit = new Auditrum(client)
const { query, tracked } = database
await client.query(`set auditrum.context = '{"user_id": "ana"}'`)

/** SQL whose changes are not recorded. */
async function unlogged(sql: string) {
  await query(`begin; set local session_replication_role = replica; ${sql}; commit`)
}

const reason = 'restored from the backup'
const now = async () =>
  String(
    (
      await query(
        `select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as at`,
      )
    ).rows[0]?.at,
  )

test('what was found is taken note of, once, and what the log had stays as it was', async () => {
  await tracked('orders', 'create table orders (id int primary key, status text, total numeric)')
  await query(`insert into orders select n, 'new', n from generate_series(1, 5) as n`)
  const told = await database.events('orders')
  const known = await now()
  await unlogged(`
    update orders set total = 9.50, status = 'paid' where id = 1;
    delete from orders where id = 3;
    insert into orders values (6, 'new', 1)`)
  const between = await now()
  expect(await audit.verifyTables('orders')).toMatchObject({ ok: false })
  const details = { details: true } as const
  expect(await audit.rowAsOf('orders', 1, between, details)).toMatchObject({ complete: true }) // as far as is known yet
  expect(await audit.acceptUnlogged('orders', { reason })).toEqual({
    table: 'public.orders',
    inserted: 1,
    updated: 1,
    deleted: 1,
    more: 0,
  })
  expect(await audit.verifyTables('orders')).toMatchObject({
    ok: true,
    tables: [{ rows: 5, verified: 5, complete: true, problems: [] }],
  })
  expect(await audit.acceptUnlogged('orders', { reason })).toMatchObject({ updated: 0, more: 0 })

  const events = await database.events('orders')
  expect(events.slice(0, told.length)).toEqual(told)
  const found = (kind: string, after: unknown) => ({
    auditrum: { found: kind, after, reason },
  })
  const after = expect.stringMatching(/^20.*Z$/)
  const accepted = events.slice(told.length)
  expect(accepted.toSorted((a, b) => Number(a.object_id) - Number(b.object_id))).toMatchObject([
    {
      operation: 'update',
      user_id: 'ana',
      diff: { status: { old: 'new', new: 'paid' }, total: { old: 1, new: 9.5 } },
      meta: found('unlogged_update', after),
    },
    {
      operation: 'delete',
      old_data: { id: 3, status: 'new' },
      meta: found('unlogged_delete', after),
    },
    { operation: 'insert', new_data: { id: 6 }, meta: found('unlogged_insert', null) },
  ])

  // before, and since, all is known; in between the row is as the log had it, and that may not be all
  const paid = { status: 'paid', total: '9.50' }
  const unpaid = { status: 'new', total: '1' }
  expect(await audit.rowAsOf('orders', 1, between, details)).toMatchObject({
    row: unpaid,
    complete: false,
    since: accepted[0] && expect.stringMatching(/^20/),
  })
  expect(await audit.rowAsOf('orders', 1, new Date(), details)).toMatchObject({
    row: paid,
    complete: true,
  })
  expect(await audit.rowAsOf('orders', 1, between, details)).toMatchObject({ complete: false })
  expect(await audit.rowAsOf('orders', 3, known, details)).toMatchObject({ row: { id: 3 } })
  expect(await audit.tableAsOf('orders', between, {})).toMatchObject({ complete: false })
  expect(await audit.tableAsOf('orders', new Date(), {})).toMatchObject({ complete: true })
  expect(await audit.blame('orders', 1, { column: 'status' })).toMatchObject([
    { value: 'paid', userId: 'ana', changeReason: `found changed outside of the log: ${reason}` },
  ])

  // it can be undone as any other
  await audit.revert({
    event: String(accepted.find(({ operation }) => operation === 'update')?.id),
  })
  expect((await query('select status, total from orders where id = 1')).rows).toEqual([unpaid])
  expect(await audit.verifyTables('orders')).toMatchObject({ ok: true })
})

test('of rows whose events hold what changed, and of those that have others beside them', async () => {
  await tracked('parts', 'create table parts (id int primary key, a int, secret text)', {
    image: 'changed',
    exclude: ['secret'],
    meta: ['a'],
  })
  await query(
    `insert into parts values (1, 1, 's'), (2, 2, 's'), (3, 3, 's'); update parts set a = 10 where id < 3`,
  )
  await unlogged(
    `update parts set a = 11, secret = 't' where id = 1; delete from parts where id = 2`,
  )
  expect(await audit.acceptUnlogged('parts', { reason })).toMatchObject({ updated: 1, deleted: 1 })
  expect(await audit.verifyTables('parts')).toMatchObject({ ok: true, tables: [{ verified: 2 }] })
  await unlogged('insert into parts values (2, 5)')
  expect(await audit.acceptUnlogged('parts', { reason })).toMatchObject({ inserted: 1 })
  expect(await audit.verifyTables('parts')).toMatchObject({ ok: true, tables: [{ verified: 3 }] })
  const [update] = (await database.events('parts')).filter(({ meta }) => meta?.auditrum)
  expect(update).toMatchObject({ diff: { a: { old: 10, new: 11 } }, meta: { a: 11 } })
  expect(JSON.stringify(await database.events('parts'))).not.toContain('"t"')
})

test('whoever writes meanwhile tells of the row himself', async () => {
  await tracked('busy', 'create table busy (id int primary key, a int)')
  await query('insert into busy values (1, 1), (2, 2)')
  await unlogged('update busy set a = a + 10')
  const writer = await database.client()
  await writer.query('begin; update busy set a = 100 where id = 1')
  const accepted = audit.acceptUnlogged('busy', { reason })
  const waits = `select from pg_stat_activity where query like '%accept_unlogged%' and wait_event = 'PgSleep'`
  while ((await query(waits)).rows.length === 0);
  await writer.query('commit')
  expect(await accepted).toMatchObject({ updated: 1, more: 1 })
  expect(
    (await database.events('busy')).map(({ object_id, new_data }) => [object_id, new_data?.a]),
  ).toEqual([
    ['1', 1],
    ['2', 2],
    ['1', 100],
    ['2', 12],
  ])
  expect(await audit.verifyTables('busy')).toMatchObject({ ok: true })
})

test('not without a reason, a key, or the right to', async () => {
  await tracked('keyless', 'create table keyless (a int)')
  await unlogged('insert into keyless values (1)')
  expect(await audit.verifyTables('keyless')).toMatchObject({ ok: false })
  await expect(audit.acceptUnlogged('keyless', { reason })).rejects.toMatchObject({
    code: 'AUDITRUM_USAGE',
    message: expect.stringContaining('primary key'),
  })
  await expect(audit.acceptUnlogged('orders', { reason: ' ' })).rejects.toMatchObject({
    code: 'AUDITRUM_USAGE',
  })
  await expect(query(`select auditrum.accept_unlogged('orders', '')`)).rejects.toMatchObject({
    code: 'AU005',
  })
  const role = await database.role()
  await query(`select auditrum.let_read('${role.name}'); grant all on orders to ${role.name}`)
  await expect(
    new Auditrum(await role.client()).acceptUnlogged('orders', { reason }),
  ).rejects.toMatchObject({
    code: 'AUDITRUM_SCHEMA',
    message: expect.stringContaining('accept_unlogged'),
  })
})

test('backfill settles what could not be told because nobody could look when the recording began', async () => {
  await tracked('unseen', 'create table unseen (id int primary key)')
  await query(
    `insert into unseen values (1); update auditrum.audit_table set rows_known_since = null where table_name = 'unseen'`,
  )
  await unlogged('insert into unseen values (2)')
  expect(await audit.verifyTables('unseen')).toMatchObject({ ok: true, tables: [{ unknown: 1 }] })
  await unlogged('delete from unseen where id = 2')
  expect(await audit.backfill('unseen')).toEqual({ recorded: 0 }) // each row has its event
  await unlogged('insert into unseen values (2)')
  expect(await audit.verifyTables('unseen')).toMatchObject({
    ok: false,
    tables: [{ problems: [{ kind: 'unlogged_insert', id: '2' }] }],
  })
})

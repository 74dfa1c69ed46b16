import { beforeAll, expect, test } from 'vitest'
import { Auditrum, type TrackOptions } from '../../src/index.js'
import { type AuditedDatabase, auditedDatabase } from '../support.js'

let database: AuditedDatabase
let audit: Auditrum
beforeAll(async () => {
  database = await auditedDatabase()
  audit = new Auditrum(database)
})

/** A tracked table with one row that was there before. */
async function table(name: string, options?: TrackOptions): Promise<string> {
  await database.tracked(
    name,
    `create table ${name} (id int primary key, a text, b text); insert into ${name} values (1, 'a', 'b')`,
    options,
  )
  return now()
}

async function now(): Promise<string> {
  const { rows } = await database.query<{ now: string }>(
    `select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as now`,
  )
  return String(rows[0]?.now)
}

const details = { details: true } as const

test('all is known since a table was tracked, and nothing is claimed of before', async () => {
  const before = await now()
  const at = await table('late')
  await database.query(`update late set a = 'x'`)
  const known = await audit.rowAsOf('late', 1, at, details)
  expect(known).toEqual({
    row: { id: 1, a: 'a', b: 'b' },
    complete: true,
    since: expect.any(String),
    approximate: [],
  })
  expect(String(known.since) > before && String(known.since) <= at).toBe(true)
  expect(await audit.rowAsOf('late', 1, before, details)).toMatchObject({
    complete: false,
    since: known.since,
  })
  const rows = await audit.tableAsOf('late', before)
  expect(rows).toMatchObject({ complete: false, since: known.since, approximate: [] })
  const notices: unknown[] = []
  const client = await database.client()
  client.on('notice', ({ message, hint }) => notices.push([message, hint]))
  await client.query('select * from auditrum.as_of(null::late, $1)', [before])
  expect(notices).toEqual([
    [expect.stringMatching(/does not know all of public\.late/), expect.stringMatching(/since 20/)],
  ])
  await client.query('select * from auditrum.as_of(null::late, $1)', [at])
  expect(notices).toHaveLength(1)
})

test('the details are there once the database was asked', async () => {
  const at = await table('asked')
  const rows = audit.tableAsOf('asked', at)
  expect(() => rows.complete).toThrow(/Await what tableAsOf returns/)
  for await (const row of rows) expect(row).toEqual({ id: 1, a: 'a', b: 'b' })
  expect(rows.complete).toBe(true)
  expect(rows.approximate).toEqual([])
  expect(rows.since).toMatch(/Z$/)
})

test('a gap in tracking is known of', async () => {
  const at = await table('gap')
  await database.query(`select auditrum.untrack('gap')`)
  expect(await audit.rowAsOf('gap', 1, at, details)).toMatchObject({ complete: false, since: null })
  await database.query(`update gap set a = 'unseen'`)
  await database.track('gap')
  const later = await now()
  expect(await audit.rowAsOf('gap', 1, at, details)).toMatchObject({ complete: false })
  expect(await audit.rowAsOf('gap', 1, later, details)).toMatchObject({ complete: true })
})

test('what the log was purged of is not claimed', async () => {
  const own = await auditedDatabase()
  await own.tracked('t', `create table t (id int primary key); insert into t values (1)`)
  await own.query(`
    update auditrum.audit_table set tracked = '{[2020-01-01,)}';
    do $$ begin
      execute format('drop table auditrum.%I', 'audit_event' || to_char(now() at time zone 'UTC', '_YYYY_MM'));
    end $$`)
  const reading = new Auditrum(own)
  const { complete, since } = await reading.rowAsOf('t', 1, '2024-01-01T00:00:00Z', details)
  expect(complete).toBe(false)
  expect(new Date(String(since)).getTime()).toBeGreaterThan(Date.now())
})

test('a condition leaves gaps', async () => {
  const at = await table('conditional', { when: `new.b = 'b'` })
  await database.query(`update conditional set a = 'x'`)
  expect(await audit.rowAsOf('conditional', 1, at, details)).toMatchObject({
    row: { a: 'a' },
    complete: false,
    since: null,
  })
})

test('a condition that was given up leaves the gaps that it made', async () => {
  await table('conditional_once', { when: `new.b = 'b'` })
  const at = await now()
  await database.track('conditional_once')
  const later = await now()
  expect(await audit.rowAsOf('conditional_once', 1, at, details)).toMatchObject({ complete: false })
  expect(await audit.rowAsOf('conditional_once', 1, later, details)).toMatchObject({
    complete: true,
  })
})

test('columns are approximate where they were ignored or left out then, whatever is declared now', async () => {
  const at = await table('once', { ignore: ['a'], exclude: ['b'] })
  await database.track('once')
  const later = await now()
  expect(await audit.rowAsOf('once', 1, at, details)).toMatchObject({ approximate: ['a', 'b'] })
  expect(await audit.rowAsOf('once', 1, later, details)).toMatchObject({ approximate: [] })
  await database.track('once', { exclude: ['b'] })
  expect(await audit.rowAsOf('once', 1, later, details)).toMatchObject({ approximate: ['b'] })
})

test('ignored columns are approximate', async () => {
  const at = await table('ignoring', { ignore: ['b'] })
  await database.query(
    `update ignoring set b = 'silently'; update ignoring set a = 'x', b = 'later'`,
  )
  expect(await audit.rowAsOf('ignoring', 1, at, details)).toMatchObject({
    row: { id: 1, a: 'a', b: 'silently' },
    complete: true,
    approximate: ['b'],
  })
  expect(await audit.tableAsOf('ignoring', at)).toMatchObject({
    complete: true,
    approximate: ['b'],
  })
})

test.for([
  ['exclude', { exclude: ['b'] }],
  ['mask', { mask: ['b'] }],
  ['only', { only: ['a'] }],
] as const)(
  'columns that are not recorded (%s) are missing where the row has changed',
  async ([name, options]) => {
    for (const image of ['full', 'changed'] as const) {
      const own = `${name}_${image}`
      await table(own, { ...options, image })
      await database.query(`insert into ${own} values (2, 'a', 'b'), (3, 'a', 'b')`)
      const at = await now()
      await database.query(
        `update ${own} set a = 'x', b = 'secret' where id = 2; delete from ${own} where id = 3`,
      )
      const live = await audit.rowAsOf(own, 1, at, details)
      const changed = await audit.rowAsOf(own, 2, at, details)
      const deleted = await audit.rowAsOf(own, 3, at, details)
      expect(live).toMatchObject({ row: { id: 1, a: 'a', b: 'b' }, approximate: ['b'] })
      expect(changed).toMatchObject({ row: { id: 2, a: 'a' }, complete: true, approximate: ['b'] })
      expect(changed.row).not.toHaveProperty('b')
      expect(deleted.row).toEqual({ id: 3, a: 'a' })
      const rows: unknown[] = []
      for await (const row of audit.tableAsOf(own, at)) rows.push(row)
      expect(rows).toEqual([live.row, changed.row, deleted.row])
      const { rows: inSql } = await database.query(
        `select * from auditrum.as_of(null::${own}, $1) order by id`,
        [at],
      )
      expect(inSql.map(({ b }) => b)).toEqual(['b', null, null])
    }
  },
)

test('an event that drift has left without values tells what it can', async () => {
  await table('drifting', { exclude: ['b'], image: 'changed' })
  await database.query(`update drifting set a = 'first'`)
  const at = await now()
  await database.query(`alter table drifting rename b to c; update drifting set a = 'second'`)
  expect((await database.events('drifting')).at(-1)).toMatchObject({ image: 'key' })
  // nobody wrote down from what, but what was written last before
  expect(await audit.rowAsOf('drifting', 1, at)).toEqual({ id: 1, a: 'first' })
  expect(
    await audit.rowAsOf('drifting', 1, {
      event: String((await database.events('drifting')).at(-1)?.id),
    }),
  ).toMatchObject({ a: 'second' })
})

test('a table that is gone is told by the log alone', async () => {
  await table('doomed')
  await database.query(
    `insert into doomed values (2, 'x', 'y'), (3, 'x', 'y'); delete from doomed where id = 3`,
  )
  const at = await now()
  await database.query(`update doomed set a = 'later' where id = 2; drop table doomed`)
  const rows = await audit.tableAsOf('doomed', at)
  expect(rows).toMatchObject({ complete: false, since: null })
  const list: unknown[] = []
  for await (const row of rows) list.push(row)
  expect(list).toEqual([{ id: 2, a: 'x', b: 'y' }])
  expect(await audit.rowAsOf('doomed', 1, at)).toBeNull()
})

test.for([
  ['yesterday', /no moment/],
  [new Date(Number.NaN), /An invalid Date is no moment/],
  ['2026-13-45', /not in the calendar/],
  [{ event: 'x' }, /no moment/],
  [{ event: '1', transaction: '2' }, /no moment/],
  [{ event: '99999999999' }, /no event 99999999999/],
  [{ transaction: 5n }, /no transaction 5/],
  [undefined, /no moment/],
  [1234, /no moment/],
] as const)('%o is refused as a moment', async ([at, message]) => {
  await expect(audit.rowAsOf('late', 1, at as never)).rejects.toMatchObject({
    code: 'AUDITRUM_USAGE',
    message: expect.stringMatching(message),
  })
  await expect((async () => audit.tableAsOf('late', at as never))()).rejects.toThrow(message)
})

test('tables, rows and options that make no sense are refused', async () => {
  const at = new Date()
  await expect(audit.rowAsOf('ltae', 1, at)).rejects.toThrow(/knows no table "ltae"/)
  await expect(audit.rowAsOf('late', undefined as never, at)).rejects.toThrow(/undefined/)
  await expect(audit.rowAsOf('late', 'x', at)).rejects.toThrow(/no integer/)
  await expect(audit.rowAsOf('late', 1, at, { detail: true } as never)).rejects.toThrow(
    /no option "detail"/,
  )
  expect(() => audit.tableAsOf('late', at, { consistent: 'no' as never })).toThrow(/true or false/)
  for (const [call, message] of [
    ['as_of(null::auditrum.auditlog, now())', /no row of a table/],
    ['as_of(5, now())', /no row of a table/],
    ['as_of(null::untracked, now())', /knows no table/],
    ['as_of(null::late)', /given by 0 things/],
    ['as_of(null::late, now(), event => 1)', /given by 2 things/],
    ['row_as_of(null::late, null::int, now())', /names no row/],
  ] as const) {
    await database.query('create table if not exists untracked (id int primary key)')
    await expect(database.query(`select * from auditrum.${call}`)).rejects.toMatchObject({
      code: 'AU005',
      message: expect.stringMatching(message),
    })
  }
})

test('a reader is let by one call, and sees no table of the log itself', async () => {
  await table('granted')
  await database.query('insert into granted values (2, null, null), (3, null, null)')
  const at = await now()
  await database.query(
    `update granted set a = 'x' where id = 1; alter table granted alter b type varchar, add c int`,
  )
  await database.query('delete from granted where id = 2; update granted set id = 30 where id = 3')
  const role = await database.role()
  const client = await role.client()
  const reader = new Auditrum(client)
  await expect(reader.rowAsOf('granted', 1, at)).rejects.toMatchObject({ code: 'AUDITRUM_SCHEMA' })
  await database.query(
    `select auditrum.let_read('${role.name}'); grant select on granted to ${role.name}`,
  )
  expect(await reader.rowAsOf('granted', 1, at)).toEqual({ id: 1, a: 'a', b: 'b' })
  expect(await reader.rowAsOf('granted', 30, at, { consistent: true })).toMatchObject({ id: 3 })
  const rows: unknown[] = []
  for await (const row of reader.tableAsOf('granted', at)) rows.push(row)
  expect(rows).toHaveLength(3)
  for await (const { kind } of reader.compare('granted', at, new Date())) expect(kind).toBeDefined()
  expect((await reader.compare('granted', 1, at, new Date())).changes).toMatchObject({
    a: { to: 'x' },
  })
  expect((await reader.columnHistory('granted', 1, 'a')).map(({ value }) => value)).toEqual([
    'a',
    'x',
  ])
  expect(await reader.blame('granted', 1)).not.toHaveLength(0)
  expect((await reader.page({ table: 'granted', id: 1 })).events).toHaveLength(1)
  for (const call of ['as_of(null::granted, $1)', 'row_as_of(null::granted, 1, $1)']) {
    expect((await client.query(`select * from auditrum.${call}`, [at])).rows).not.toHaveLength(0)
  }
  await expect(client.query('select * from auditrum.audit_event')).rejects.toMatchObject({
    code: '42501',
  })
  // of the table itself it sees what it may see
  await database.query(`revoke select on granted from ${role.name}`)
  await expect(
    reader.tableAsOf('granted', at)[Symbol.asyncIterator]().next(),
  ).rejects.toMatchObject({
    code: 'AUDITRUM_SCHEMA',
  })
})

import type { Database } from '@auditrum/testkit'
import { testDatabase } from '@auditrum/testkit/vitest'
import { describe, expect, test } from 'vitest'
import { Auditrum, type Status, track, trackAll, trackingSql, waive } from '../../src/index.js'
import { auditedDatabase } from '../support.js'

interface Case {
  readonly title: string
  /** What somebody does behind our back. */
  readonly sql: string
  readonly code: string
  /** Whether sync mends it; true without it. */
  readonly mends?: false
}

const cases: readonly Case[] = [
  {
    title: 'a disabled trigger',
    sql: 'alter table orders disable trigger "00_auditrum"',
    code: 'trigger_disabled',
  },
  {
    title: 'all triggers disabled',
    sql: 'alter table orders disable trigger all',
    code: 'trigger_disabled',
  },
  {
    title: 'a trigger of replicas only',
    sql: 'alter table orders enable replica trigger "00_auditrum"',
    code: 'trigger_disabled',
  },
  {
    title: 'a dropped trigger',
    sql: 'drop trigger "00_auditrum" on orders',
    code: 'trigger_missing',
  },
  {
    title: 'a dropped truncate trigger',
    sql: 'drop trigger "00_auditrum_truncate" on orders',
    code: 'trigger_missing',
  },
  {
    title: 'a renamed trigger',
    sql: 'alter trigger "00_auditrum" on orders rename to zz',
    code: 'trigger_missing',
  },
  {
    title: 'a trigger on fewer operations',
    sql: `create or replace trigger "00_auditrum" after insert on orders for each row execute function auditrum.capture_1()`,
    code: 'trigger_altered',
  },
  {
    title: 'a trigger with a condition',
    sql: `create or replace trigger "00_auditrum" after insert or update or delete on orders for each row when (false) execute function auditrum.capture_1()`,
    code: 'trigger_altered',
  },
  {
    title: 'an edited capture function',
    sql: `create or replace function auditrum.capture_1() returns trigger language plpgsql as 'begin return null; end'`,
    code: 'function_edited',
  },
  {
    title: 'a capture function without its rights',
    sql: 'alter function auditrum.capture_1() security invoker',
    code: 'function_edited',
  },
  {
    title: 'a capture function with another search_path',
    sql: 'alter function auditrum.capture_1() set search_path = public',
    code: 'function_edited',
  },
  {
    title: 'a comment written over ours',
    sql: `comment on function auditrum.capture_1() is 'mine'`,
    code: 'function_edited',
  },
  {
    title: 'an edited function of the log',
    sql: `create or replace function auditrum.write_context(payload text) returns bigint language sql as 'select 1::bigint'`,
    code: 'function_edited',
  },
  {
    title: 'a missing function of the log',
    sql: 'drop function auditrum.maintain()',
    code: 'object_missing',
  },
  {
    title: 'another primary key',
    sql: 'alter table orders drop constraint orders_pkey; alter table orders add primary key (number)',
    code: 'key_changed',
  },
  { title: 'a new column', sql: 'alter table orders add note text', code: 'columns_changed' },
  {
    title: 'a retyped column',
    sql: 'alter table orders alter status type varchar(20)',
    code: 'columns_changed',
  },
  {
    title: 'a renamed declared column',
    sql: 'alter table orders rename card to card_number',
    code: 'column_missing',
    mends: false,
  },
  {
    title: 'an AFTER ROW trigger that fires before ours',
    sql: `create function touch() returns trigger language plpgsql as 'begin return null; end';
          create trigger "00_a" after update on orders for each row execute function touch()`,
    code: 'trigger_order',
    mends: false,
  },
  {
    title: 'a partition attached without its truncate trigger',
    sql: `create table days_2027 partition of days for values from ('2027-01-01') to ('2028-01-01')`,
    code: 'partition_trigger_missing',
  },
  {
    title: 'a disabled trigger of a partition',
    sql: 'alter table days_2026 disable trigger "00_auditrum"',
    code: 'trigger_disabled',
  },
  {
    title: 'an inheritance child without triggers',
    sql: 'create table later_orders () inherits (orders)',
    code: 'partition_trigger_missing',
  },
  {
    title: 'a dropped table',
    sql: 'drop table orders cascade',
    code: 'table_missing',
    mends: false,
  },
]

async function shop(): Promise<{ database: Database; audit: Auditrum }> {
  const database = await testDatabase()
  await database.query(`
    create table orders (id integer primary key, number integer not null, status text, card text);
    create table days (day date primary key) partition by range (day);
    create table days_2026 partition of days for values from ('2026-01-01') to ('2027-01-01');
  `)
  const audit = new Auditrum(database, {
    tables: [track('orders', { exclude: ['card'] }), track('days')],
  })
  await audit.sync()
  return { database, audit }
}

const codes = ({ findings }: Status) => findings.map(({ code }) => code)

describe('status', () => {
  test('finds nothing in a healthy trail', async () => {
    const { audit } = await shop()
    expect(await audit.status()).toMatchObject({
      ok: true,
      version: 1,
      findings: [],
      tables: [
        { table: 'public.orders', gaps: 0 },
        { table: 'public.days', gaps: 0 },
      ],
    })
  })

  test('says that there is no log', async () => {
    const database = await testDatabase()
    await database.query('create table orders (id integer primary key)')
    const status = await new Auditrum(database, { tables: [track('orders')] }).status()
    expect(status.ok).toBe(false)
    expect(codes(status)).toEqual(['log_missing', 'not_tracked'])
  })

  test.for(cases)('finds $title', async ({ sql, code, mends = true }) => {
    const { database, audit } = await shop()
    await database.query(sql)
    const found = await audit.status()
    expect(codes(found)).toContain(code)
    expect(found.findings.every(({ message, remedy }) => message && remedy)).toBe(true)
    if (!mends) return
    await audit.sync()
    expect(codes(await audit.status())).toEqual([])
    expect((await audit.sync()).updated).toEqual([])
  })

  test('tells of events that were written without a declared column', async () => {
    const { database, audit } = await shop()
    await database.query(
      `alter table orders rename card to card_number; insert into orders values (1, 1, 'new', 'secret')`,
    )
    const { findings } = await audit.status()
    expect(findings).toContainEqual(
      expect.objectContaining({
        severity: 'error',
        code: 'drift',
        table: 'public.orders',
        message: expect.stringContaining('card'),
      }),
    )
  })

  test('of a table that is recorded and not declared is mended by the SQL that it gives', async () => {
    const { database, audit } = await shop()
    await database.query(`
      create table "Parts" (id integer primary key, secret text);
      create table other (id integer primary key)`)
    await database.query(
      trackingSql(track({ schema: 'public', table: 'Parts' }, { mask: ['secret'] })),
    )
    await database.query(trackingSql(track('other'), { app: 'other' }))
    await database.query('alter table "Parts" add note text; alter table other add note text')
    const changed = async () =>
      (await audit.status()).findings.filter(({ code }) => code === 'columns_changed')
    const found = await changed()
    expect(found).toMatchObject([
      { table: 'public.Parts', command: null },
      {
        table: 'public.other',
        remedy: 'Run sync where the app "other" declares it.',
        command: null,
      },
    ])
    const [, sql = ''] =
      /^It is not declared here: declare it and run sync, or record it anew as it was told: (SELECT .*;)$/.exec(
        String(found[0]?.remedy),
      ) ?? []
    await audit.sync()
    expect(await changed()).toHaveLength(2)
    await database.query(sql)
    expect(await changed()).toHaveLength(1)
  })

  test('is well again once drift was mended, and still tells of it', async () => {
    const renamed = `alter table orders rename card to card_number; insert into orders values (1, 1, 'new', 'secret')`
    const healthy = { ok: true, drift: [['info', 'drift_mended']] }
    const seen = async (audit: Auditrum) => {
      const { ok, findings } = await audit.status()
      return {
        ok,
        drift: findings
          .filter(({ code }) => code.startsWith('drift'))
          .map(({ severity, code }) => [severity, code]),
      }
    }
    const { database, audit } = await shop()
    await database.query(renamed)
    await database.query('alter table orders rename card_number to card')
    expect(await seen(audit)).toEqual(healthy)

    await database.query('alter table orders rename card to card_number')
    await database.query(`update orders set status = 'paid'`)
    // maintenance mends nothing
    await audit.maintain()
    expect(await seen(audit)).toEqual({ ok: false, drift: [['error', 'drift']] })
    const corrected = new Auditrum(database, {
      tables: [track('orders', { exclude: ['card_number'] }), track('days')],
    })
    await corrected.sync()
    expect(await seen(corrected)).toEqual(healthy)
  })

  test('counts a condition that could not be evaluated until the table is declared anew', async () => {
    const database = await testDatabase()
    await database.query('create table a (id integer primary key, active boolean)')
    await new Auditrum(database, { tables: [track('a', { when: 'NEW.active' })] }).sync()
    await database.query('alter table a rename active to is_active; insert into a values (1, true)')
    const audit = new Auditrum(database, { tables: [track('a', { when: 'NEW.is_active' })] })
    expect(codes(await audit.status())).toContain('drift')
    await audit.sync()
    const status = await audit.status()
    expect(status.ok).toBe(true)
    expect(codes(status)).toContain('drift_mended')
  })

  test('a new partition, of which every row is recorded, is a warning', async () => {
    const { database, audit } = await shop()
    await database.query(
      `create table days_2027 partition of days for values from ('2027-01-01') to ('2028-01-01')`,
    )
    expect(await audit.status()).toMatchObject({
      ok: true,
      findings: [{ severity: 'warning', code: 'partition_trigger_missing' }],
    })
    await database.query('create table later_orders () inherits (orders)')
    const { ok, findings } = await audit.status()
    expect(ok).toBe(false)
    expect(findings.map(({ severity, table }) => [severity, table]).sort()).toEqual([
      ['error', 'public.orders'],
      ['warning', 'public.days'],
      ['warning', 'public.orders'],
    ])
  })

  test('under a role that may not read the log says so, and examines the rest', async () => {
    const { database } = await shop()
    await database.query('alter table orders disable trigger all')
    const role = await database.role()
    const audit = new Auditrum(await role.client(), {
      tables: [track('orders', { exclude: ['card'] })],
    })
    const status = await audit.status()
    expect(codes(status)).toContain('log_unreadable')
    expect(codes(status)).toContain('trigger_disabled')
  })
})

test('a gap in recording is noted when it is mended', async () => {
  const { database, audit } = await shop()
  await database.query('alter table orders disable trigger all')
  await audit.sync()
  await database.query(
    `create table days_2027 partition of days for values from ('2027-01-01') to ('2028-01-01')`,
  )
  await audit.sync()
  expect((await audit.status()).tables).toMatchObject([
    { table: 'public.orders', gaps: 1 },
    // a new partition is none
    { table: 'public.days', gaps: 0 },
  ])
})

test('a renamed table keeps its history, and its name is followed', async () => {
  const { database, audit } = await shop()
  await database.query(`insert into orders values (1, 1, 'new', null)`)
  await database.query('alter table orders rename to purchases')
  await database.query(`update purchases set status = 'paid'`)
  await audit.maintain()
  const { events } = await audit.page({ table: 'purchases' })
  expect(events.map(({ operation, table }) => [operation, table])).toEqual([
    ['update', 'purchases'],
    ['insert', 'purchases'],
  ])
})

test('the history of a dropped table is found by its name, and goes on when it is created again', async () => {
  const { database, audit } = await shop()
  await database.query(`insert into orders values (1, 1, 'new', null); drop table orders`)
  expect((await audit.page({ table: 'orders' })).events).toHaveLength(1)
  await database.query(
    'create table orders (id integer primary key, number integer not null, status text, card text)',
  )
  await audit.sync()
  await database.query(`insert into orders values (2, 2, 'new', null)`)
  expect((await audit.page({ table: 'orders' })).events).toHaveLength(2)
  expect((await audit.status()).tables).toContainEqual(
    expect.objectContaining({ table: 'public.orders', gaps: 1 }),
  )
})

describe('a table that is not recorded', () => {
  test.each([
    ['declared with trackAll', [trackAll()]],
    ['no longer declared', []],
  ])('is an error of status, %s', async (_, tables) => {
    const database = await auditedDatabase()
    await database.query('create table a (id int primary key); create table b (id int primary key)')
    await new Auditrum(database, { tables: [trackAll()] }).sync()
    await database.query(`
      drop trigger "00_auditrum" on a; drop trigger "00_auditrum_truncate" on a;
      drop table b; create table b (id int primary key); create table c (id int primary key)`)
    const { ok, findings } = await new Auditrum(database, { tables }).status()
    expect(ok).toBe(false)
    const missing = findings.filter(({ severity }) => severity === 'error')
    const names =
      tables.length > 0 ? ['public.a', 'public.b', 'public.c'] : ['public.a', 'public.b']
    expect(missing.map(({ table }) => table).toSorted()).toEqual(names)
    await database.query('drop table a, b')
    const again = await new Auditrum(database).status()
    const dropped = again.findings.filter(({ code }) => code === 'table_dropped')
    expect(dropped.map(({ table, message }) => message === `${table} was dropped`)).toEqual([
      true,
      true,
    ])
  })

  test('because it inherits from one that is waived, is declared by trackAll all the same', async () => {
    const database = await auditedDatabase()
    await database.query(`
      create schema lib;
      create table lib.base (id int primary key);
      create table orders () inherits (lib.base);
      create table parents (id int primary key);
      create table children () inherits (parents)`)
    const audit = new Auditrum(database, { tables: [trackAll(), waive('lib.base', 'abstract')] })
    expect(await audit.check()).toContain('public.orders')
    expect((await audit.sync()).installed.toSorted()).toEqual(['public.orders', 'public.parents'])
    expect(await audit.check()).toEqual([])
    expect((await audit.status()).ok).toBe(true)
    expect(
      await database.recorded('insert into orders values (1); insert into children values (2)'),
    ).toMatchObject([{ table_name: 'orders' }, { table_name: 'parents' }])
    expect(await audit.sync()).toMatchObject({ installed: [], updated: [] })
  })

  test('is told apart from another one by its schema, whatever dots are in the names', async () => {
    const database = await auditedDatabase()
    await database.query(`
      create schema "x.y"; create schema x;
      create table "x.y".t (id int primary key); create table x."y.t" (id int primary key)`)
    await database.track({ schema: 'x', table: 'y.t' })
    expect(await new Auditrum(database).check()).toEqual(['x.y.t'])
  })
})

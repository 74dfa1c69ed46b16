import type { Database } from '@auditrum/testkit'
import { beforeAll, describe, expect, test } from 'vitest'
import { type AuditEvent, Auditrum } from '../../src/index.js'
import { auditedDatabase } from '../support.js'

let database: Database
let audit: Auditrum
let root: string
const moments: string[] = []
beforeAll(async () => {
  const audited = await auditedDatabase()
  database = audited
  audit = new Auditrum(database)
  await audited.tracked(
    'orders',
    'create table orders (id bigint primary key, status text, total numeric)',
  )
  await audited.tracked(
    'lines',
    'create table lines (b integer, a integer, note text, primary key (a, b))',
  )
  await audited.tracked('notes', 'create table notes (note text)')
  for (const schema of ['first', 'second']) {
    await database.query(
      `create schema ${schema}; create table ${schema}.twins (id uuid primary key)`,
    )
    await audited.track({ schema, table: 'twins' })
  }
  for (const [user, statement] of [
    ['anna', `insert into orders select n, 'new', 1.10 from generate_series(1, 250) as n`],
    ['ben', `update orders set status = 'paid' where id <= 10`],
    ['anna', `insert into lines values (2, 1, 'x')`],
    ['ben', `delete from orders where id = 5`],
  ]) {
    await database.query(`
      begin;
      select set_config('auditrum.context', '{"user_id": "${user}", "request_id": "r-${user}"}', true);
      ${statement};
      commit`)
    moments.push(String((await database.query('select now()::text as now')).rows[0]?.now))
  }
  root = String((await audit.page({ table: 'lines' })).events[0]?.context?.rootId)
})

async function all(events: AsyncIterable<AuditEvent>): Promise<AuditEvent[]> {
  const list: AuditEvent[] = []
  for await (const event of events) list.push(event)
  return list
}

describe('history', () => {
  test('gives all events, newest first, over several pages', async () => {
    const events = await all(audit.history())
    expect(events).toHaveLength(250 + 10 + 1 + 1)
    const ids = events.map(({ id }) => Number(id))
    expect(ids).toEqual([...ids].sort((a, b) => b - a))
    expect((await all(audit.history({ order: 'asc' }))).map(({ id }) => id)).toEqual(
      ids.map(String).reverse(),
    )
    expect(await all(audit.history({ limit: 120 }))).toHaveLength(120)
  })

  test('does not repeat or lose an event while others are written', async () => {
    const before = await audit.page({ limit: 100 })
    await database.query(`insert into orders values (1000, 'new', 0)`)
    const after = await audit.page({ limit: 100, after: String(before.next) })
    const ids = [...before.events, ...after.events].map(({ id }) => Number(id))
    expect(new Set(ids).size).toBe(200)
    expect(ids[0] as number).toBe((ids[199] as number) + 199)
    await database.query(
      `delete from auditrum.audit_event where object_id = '1000'; alter table orders disable trigger user; delete from orders where id = 1000; alter table orders enable trigger user`,
    )
  })

  test.for([
    [{ table: 'orders', id: 5 }, 3],
    [{ table: 'orders', id: 5n }, 3],
    [{ table: 'public.orders', id: '5' }, 3],
    [{ table: 'lines', id: [1, 2] }, 1],
    [{ table: 'lines', id: { b: 2, a: 1 } }, 1],
    [{ table: 'lines', id: [2, 1] }, 0],
    [{ user: 'ben' }, 11],
    [{ request: 'r-ben' }, 11],
    [{ operation: 'update' }, 10],
    [{ operation: 'update', column: 'status' }, 10],
    [{ operation: 'update', column: 'total' }, 0],
    [{ table: 'lines', user: 'ben' }, 0],
  ] as const)('filters by %o', async ([filter, count]) => {
    expect(await all(audit.history(filter))).toHaveLength(count)
  })

  test('filters by root, context, transaction and time', async () => {
    expect(await all(audit.history({ root }))).toHaveLength(1)
    const [event] = (await audit.page({ root })).events
    expect(await all(audit.history({ context: String(event?.context?.id) }))).toHaveLength(1)
    expect(await all(audit.history({ transaction: String(event?.transactionId) }))).toHaveLength(1)
    const iso = (moment: string | undefined) => String(moment).replace(' ', 'T')
    expect(
      await all(audit.history({ since: iso(moments[0]), until: iso(moments[1]) })),
    ).toHaveLength(10)
    expect(
      await all(
        audit.history({ since: String(event?.changedAt), until: String(event?.changedAt) }),
      ),
    ).toHaveLength(1)
    expect(await all(audit.history({ since: new Date(Date.now() + 60_000) }))).toHaveLength(0)
  })

  test.for([
    [{ table: 'ordres' }, /knows no table "ordres"\. Did you mean "orders"\?/],
    [{ id: 1 }, /Name the table/],
    [{ limit: 0 }, /at least 1/],
    [{ since: 'yesterday' }, /ISO 8601/],
    [{ since: new Date(Number.NaN) }, /an invalid Date/],
    [{ root: 'x' }, /uuid/],
    [{ after: '1; drop table orders' }, /an id as events carry it/],
    [{ tabel: 'orders' }, /The filters are table/],
    [{ order: 'up' }, /'asc' or 'desc'/],
    [{ operation: 'UPDATE' }, /one of insert, update/],
    [{ table: 'orders', column: 'statsu' }, /no column "statsu"\. Did you mean "status"\?/],
    [{ user: { id: 1 } }, /the user_id of the context/],
    [{ transaction: 2 ** 60 }, /a text/],
    [{ since: '2026-13-45' }, /not all in the calendar/],
    [{ limit: null }, /at least 1/],
    [7, /Give an object/],
    [null, /Give an object/],
    ...[
      undefined,
      null,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      [null],
      { id: undefined },
      2 ** 60,
    ].map((id) => [{ table: 'orders', id }, /id: .*key|not exact/] as const),
    ...[{}, [], { Id: 42 }, { id: 42, x: 1 }, [1, 2]].map(
      (id) =>
        [{ table: 'orders', id }, /names no row\. The key of public\.orders is \(id\)\./] as const,
    ),
    [
      { table: 'orders', id: 'nobody' },
      /"nobody" is no bigint\. The key of public.orders is \(id\)\./,
    ],
    [{ table: 'lines', id: 1 }, /The key of public\.lines is \(a, b\)/],
    [{ table: 'lines', id: { a: 1 } }, /The key of public\.lines is \(a, b\)/],
    [{ table: 'notes', id: 1 }, /has no primary key/],
    [{ table: 'twins' }, /several tables "twins": first\.twins, second\.twins\. Name the schema/],
  ])('refuses %o', async ([filter, message]) => {
    await expect(audit.page(filter as object)).rejects.toMatchObject({
      code: 'AUDITRUM_USAGE',
      message: expect.stringMatching(message as RegExp),
    })
  })
})

describe('an event', () => {
  test('says everything about a change', async () => {
    const { events } = await audit.page({ table: 'orders', id: 5 })
    expect(events).toEqual([
      expect.objectContaining({
        operation: 'delete',
        old: { id: '5', status: 'paid', total: '1.10' },
        new: null,
        diff: {
          id: { old: '5', new: null },
          status: { old: 'paid', new: null },
          total: { old: '1.10', new: null },
        },
      }),
      {
        id: expect.stringMatching(/^\d+$/),
        changedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/),
        operation: 'update',
        schema: 'public',
        table: 'orders',
        objectId: '5',
        oldObjectId: null,
        userId: 'ben',
        changeReason: null,
        source: null,
        old: { id: '5', status: 'new', total: '1.10' },
        new: { id: '5', status: 'paid', total: '1.10' },
        diff: { status: { old: 'new', new: 'paid' } },
        masked: [],
        meta: null,
        dbUser: 'postgres',
        transactionId: expect.stringMatching(/^\d+$/),
        context: {
          id: expect.any(String),
          rootId: expect.any(String),
          metadata: { user_id: 'ben', request_id: 'r-ben' },
          applicationName: '',
          clientAddr: '127.0.0.1',
          error: null,
        },
        drift: [],
        redacted: [],
        lossy: false,
      },
      expect.objectContaining({ operation: 'insert', old: null, userId: 'anna' }),
    ])
  })

  test('rounds nothing', async () => {
    const numbers = await auditedDatabase()
    await numbers.query(`create domain cents as bigint`)
    await numbers.tracked(
      'numbers',
      'create table numbers (id integer primary key, big bigint, price numeric, many numeric[], cents cents, real_ real, double_ double precision, doc jsonb)',
    )
    await numbers.query(`insert into numbers values (1, 9223372036854775807, 0.10, '{1.0,12345678901234567890.1}', 9007199254740993, 0.1, 1e300,
      '{"big": 12345678901234567890, "exact": 0.5, "text": "1e3", "list": [1e400]}')`)
    const { events } = await new Auditrum(numbers).page()
    expect(events[0]?.new).toEqual({
      id: 1,
      big: '9223372036854775807',
      price: '0.10',
      many: ['1.0', '12345678901234567890.1'],
      cents: '9007199254740993',
      real_: 0.1,
      double_: 1e300,
      doc: { big: '12345678901234567890', exact: 0.5, text: '1e3', list: [`1${'0'.repeat(400)}`] },
    })
    expect((await new Auditrum(numbers).blame('numbers', 1, { column: 'big' }))[0]?.value).toBe(
      '9223372036854775807',
    )
  })
})

describe('blame', () => {
  test('names the change that gave each column its value', async () => {
    const lines = await audit.blame('orders', 3)
    expect(lines).toMatchObject([
      { column: 'status', value: 'paid', userId: 'ben', operation: 'update' },
      { column: 'id', value: '3', userId: 'anna', operation: 'insert' },
      { column: 'total', value: '1.10', userId: 'anna', operation: 'insert' },
    ])
    expect(await audit.blame('orders', 3, { column: 'total' })).toMatchObject([{ userId: 'anna' }])
    expect(await audit.blame('orders', 999)).toEqual([])
  })

  test('of a row that is gone begins with who deleted it', async () => {
    const [deletion, ...columns] = await audit.blame('orders', 5)
    expect(deletion).toMatchObject({ column: null, userId: 'ben', operation: 'delete' })
    expect(columns.map(({ column }) => column)).toEqual(['status', 'id', 'total'])
  })

  test('follows the row back through a change of its key, and knows a truncation', async () => {
    const moved = await auditedDatabase()
    await moved.tracked('things', 'create table things (id integer primary key, name text)')
    await moved.query(`insert into things values (1, 'a')`)
    await moved.query('update things set id = 2')
    await moved.query('update things set id = 3')
    const again = new Auditrum(moved)
    expect(await again.blame('things', 3)).toMatchObject([
      { column: 'id', value: 3, operation: 'update' },
      { column: 'name', value: 'a', operation: 'insert' },
    ])
    expect(
      (await again.page({ table: 'things', id: 3 })).events.map(({ objectId }) => objectId),
    ).toEqual(['3', '2', '1'])
    await moved.query('truncate things')
    expect(await again.blame('things', 3)).toMatchObject([
      { column: null, operation: 'truncate' },
      {},
      {},
    ])
  })
})

describe('a row', () => {
  test.for([
    ['orders', '05', 3],
    ['orders', ' 5', 3],
    ['orders', ['5'], 3],
    ['orders', { id: 5 }, 3],
    ['lines', ['1', '2'], 1],
    ['lines', '[1,2]', 1],
    ['lines', { b: '2', a: 1n }, 1],
    ['first.twins', 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', 1],
  ] as const)('of %s may be named %o', async ([table, id, count]) => {
    await database.query(
      `insert into first.twins values ('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11') on conflict do nothing`,
    )
    const events = await all(audit.history({ table, id }))
    expect(events).toHaveLength(count)
    expect(await audit.blame(table, id)).not.toHaveLength(0)
  })

  test('is never another one, where the columns of the key changed their order', async () => {
    const turned = await auditedDatabase()
    await turned.tracked('items', 'create table items (a int, b int, qty int, primary key (a, b))')
    await turned.query('insert into items values (3, 1, 10), (1, 3, 20)')
    await turned.query('alter table items drop constraint items_pkey, add primary key (b, a)')
    await turned.track('items')
    await turned.query('update items set qty = 11 where a = 3')
    const again = new Auditrum(turned)
    const { events } = await again.page({ table: 'items', id: { a: 3, b: 1 } })
    expect(events.map(({ new: row }) => row)).toEqual([{ a: 3, b: 1, qty: 11 }])
    expect(await again.page({ table: 'items', id: { a: 1, b: 3 } })).toMatchObject({ events: [] })
  })

  test('is not the one that had its key before, or has it now', async () => {
    const keys = await auditedDatabase()
    await keys.tracked('t', 'create table t (id integer primary key, v text)')
    const by = (user: string, text: string) =>
      keys.query(
        `begin; select set_config('auditrum.context', '{"user_id": "${user}"}', true); ${text}; commit`,
      )
    await by('bob', `insert into t values (2, 'b')`)
    await by('alice', `insert into t values (1, 'a')`)
    await by('alice', `delete from t where id = 1`)
    await by('carol', `update t set id = 1 where id = 2`)
    const again = new Auditrum(keys)
    expect(await again.blame('t', 1)).toMatchObject([
      { column: 'id', userId: 'carol', operation: 'update' },
      { column: 'v', value: 'b', userId: 'bob' },
    ])
    // the key 2 has no row any more: who took it
    expect((await again.blame('t', 2))[0]).toMatchObject({ column: null, userId: 'carol' })
    expect((await again.page({ table: 't', id: 1 })).events.map(({ userId }) => userId)).toEqual([
      'carol',
      'alice',
      'alice',
      'bob',
    ])

    await by('dora', `insert into t values (10, 'ten'), (20, 'twenty')`)
    await by('emil', 'update t set id = -1 where id = 10')
    await by('emil', 'update t set id = 10 where id = 20')
    await by('emil', 'update t set id = 20 where id = -1')
    expect(await again.blame('t', 20, { column: 'v' })).toMatchObject([{ value: 'ten' }])
    expect(await again.blame('t', 10, { column: 'v' })).toMatchObject([{ value: 'twenty' }])
    await by('fred', `delete from t where id = 20`)
    await by('gina', `insert into t values (20, 'new')`)
    expect(await again.blame('t', 20)).toMatchObject([{ userId: 'gina' }, { userId: 'gina' }])
  })

  test('is that of the table which the caller sees, not of one elsewhere', async () => {
    const own = await auditedDatabase()
    await own.query(
      'create schema shop; create table shop.orders (id int primary key); create table orders (id int primary key)',
    )
    await own.track({ schema: 'shop', table: 'orders' })
    await own.query('insert into shop.orders values (1)')
    const again = new Auditrum(own)
    await expect(again.page({ table: 'orders' })).rejects.toThrow('knows no table')
    expect((await again.page({ table: 'shop.orders' })).events).toHaveLength(1)
  })

  test('of a partition that was truncated is not said to be gone', async () => {
    const own = await auditedDatabase()
    await own.tracked(
      'p',
      `create table p (id int primary key) partition by range (id);
      create table p_1 partition of p for values from (0) to (10);
      create table p_2 partition of p for values from (10) to (20)`,
    )
    await own.query('insert into p values (1), (11); truncate p_1')
    expect((await new Auditrum(own).blame('p', 11))[0]).toMatchObject({ column: 'id' })
  })

  test('older than the log is blamed on nobody, column by column', async () => {
    const older = await auditedDatabase()
    await older.tracked(
      'orders',
      `create table orders (id int primary key, status text, note text); insert into orders values (1, 'new', 'x')`,
    )
    const again = new Auditrum(older)
    expect(await again.blame('orders', 1)).toEqual([])
    await older.query(`update orders set status = 'paid'`)
    expect(await again.blame('orders', 1)).toMatchObject([
      { column: 'status', value: 'paid', operation: 'update' },
      { column: 'id', value: 1, operation: null, changedAt: null, eventId: null, dbUser: null },
      { column: 'note', value: 'x', operation: null },
    ])
    expect(await again.blame('orders', 1, { column: 'note' })).toHaveLength(1)
  })
})

test('the functions in SQL refuse what they do not know as well', async () => {
  for (const [call, message] of [
    [`history('ordres', '1')`, /knows no table "ordres"/],
    [`blame('orders', null)`, /null names no row/],
    [`blame('notes', '1')`, /has no primary key/],
    [`blame('orders', '5', 'statsu')`, /no column "statsu"/],
    [`history(null)`, /no table/],
  ] as const) {
    await expect(database.query(`select * from auditrum.${call}`)).rejects.toMatchObject({
      code: 'AU005',
      message: expect.stringMatching(message),
    })
  }
})

test('a column is known by its new name before the next sync', async () => {
  await database.query(`
    create table renamed (id integer primary key, note text);
    select auditrum.track('renamed', '{}');
    alter table renamed rename note to remark;
    insert into renamed values (1, 'x')`)
  expect(await audit.blame('renamed', 1, { column: 'remark' })).toMatchObject([{ value: 'x' }])
  expect((await audit.page({ table: 'renamed', column: 'remark' })).events).toHaveLength(1)
})

test('blame refuses options that it does not have', async () => {
  await expect(audit.blame('orders', 5, { colum: 'x' } as object)).rejects.toThrow('"colum"')
  await expect(audit.blame('orders', 5, 'status' as never)).rejects.toThrow('as its options')
})

test('a reader who was let read sees no table of the log itself', async () => {
  const role = await database.role()
  await database.query(`select auditrum.let_read('${role.name}')`)
  const client = await role.client()
  const reader = new Auditrum(database, { reader: client })
  expect((await reader.page({ table: 'orders', id: 5 })).events).toHaveLength(3)
  expect(await reader.blame('orders', 5)).toHaveLength(4)
  // also of a table in a schema that it may not use
  expect(await reader.page({ table: 'first.twins' })).toMatchObject({ next: null })
  await expect(client.query('select * from auditrum.audit_event')).rejects.toMatchObject({
    code: '42501',
  })
  const stranger = await database.role()
  await expect(new Auditrum(await stranger.client()).page()).rejects.toMatchObject({
    code: 'AUDITRUM_SCHEMA',
  })
})

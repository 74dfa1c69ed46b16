import { setTimeout as pause } from 'node:timers/promises'
import { beforeAll, describe, expect, test } from 'vitest'
import { Auditrum, track } from '../../src/index.js'
import { type AuditedDatabase, auditedDatabase } from '../support.js'

let database: AuditedDatabase
let audit: Auditrum
beforeAll(async () => {
  database = await auditedDatabase()
  audit = new Auditrum(database)
})

describe('the rows of a table', () => {
  beforeAll(async () => {
    await database.tracked(
      'accounts',
      `create table accounts (id bigint primary key, name text, tenant integer, pin text, iban text, touched text,
        big bigint, total numeric, at timestamptz, raw bytea, doc jsonb);
      insert into accounts values
        (9007199254740993, 'ACME', 7, 'secret pin', 'secret iban', 'x', 9007199254740993, 1.10, '2026-01-01 00:00:00.123456+00', '\\xff00', '{"n": 12345678901234567890}'),
        (2, 'Foo', 8, 'secret pin', null, 'x', 2, 2, '2026-01-01', '', null)`,
      { exclude: ['pin'], mask: ['iban'], ignore: ['touched'], meta: ['tenant'], image: 'changed' },
    )
    await database.query(`
      begin;
      select set_config('auditrum.context', '{"user_id": "7", "change_reason": "as we found it"}', true);
      select auditrum.backfill('accounts');
      commit`)
  })

  test('are events, as declared, with the context of whoever recorded them', async () => {
    const { events } = await audit.page({ table: 'accounts', order: 'asc' })
    expect(events).toHaveLength(2)
    expect(events[0]).toMatchObject({
      operation: 'snapshot',
      objectId: '9007199254740993',
      userId: '7',
      changeReason: 'as we found it',
      old: null,
      diff: {},
      masked: [],
      meta: { tenant: 7 },
      new: {
        id: '9007199254740993',
        name: 'ACME',
        tenant: 7,
        touched: 'x',
        big: '9007199254740993',
        total: '1.10',
        at: '2026-01-01T00:00:00.123456+00:00',
        raw: '\\xff00',
        doc: { n: '12345678901234567890' },
      },
    })
    expect(JSON.stringify(events)).not.toContain('secret')
  })

  test('are recorded once: a second call records those that the log knows nothing of', async () => {
    expect(await audit.backfill('accounts')).toEqual({ recorded: 0 })
    await database.query(`
      alter table accounts disable trigger user;
      insert into accounts (id) values (3), (4);
      alter table accounts enable trigger user;
      update accounts set name = 'known' where id = 4`)
    expect(await audit.backfill('accounts')).toEqual({ recorded: 1 })
    expect(await audit.page({ table: 'accounts', id: 3 })).toMatchObject({
      events: [{ operation: 'snapshot' }],
    })
  })

  test('have values that are older than the log: nobody is blamed for them', async () => {
    await database.query(
      `begin; select set_config('auditrum.context', '{"user_id": "8"}', true); update accounts set name = 'Bar' where id = 2; commit`,
    )
    const lines = await audit.blame('accounts', 2)
    expect(lines.find(({ column }) => column === 'name')).toMatchObject({
      value: 'Bar',
      userId: '8',
      operation: 'update',
    })
    expect(lines.find(({ column }) => column === 'tenant')).toMatchObject({
      value: 8,
      operation: 'snapshot',
      userId: null,
      changedAt: null,
      changeReason: null,
      dbUser: null,
    })
    expect(await audit.columnHistory('accounts', 2, 'name')).toMatchObject([
      { value: 'Foo', since: null, operation: 'snapshot', userId: null },
      { value: 'Bar', userId: '8', until: null },
    ])
  })

  test('are no change: neither of a transaction nor of a table', async () => {
    const { events } = await audit.page({ table: 'accounts', operation: 'snapshot' })
    const of = { transaction: String(events.at(-1)?.transactionId) }
    for await (const change of audit.changes(of)) expect(change).toBeUndefined()
    expect(await audit.compare('accounts', 3, { event: '1' }, new Date())).toMatchObject({
      changes: {},
    })
  })
})

describe.for(['full', 'changed'] as const)('time travel past snapshots with image %s', (image) => {
  const table = `past_${image}`
  test('gives every row as it was, whether it was changed, deleted or truncated since', async () => {
    await database.tracked(
      table,
      `create table ${table} (id int primary key, name text, secret text, total numeric);
      insert into ${table} select n, 'name ' || n, 'secret ' || n, n from generate_series(1, 4) as n`,
      { image, exclude: ['secret'] },
    )
    const states: { readonly at: string; readonly rows: unknown[] }[] = []
    const note = async () => {
      const { rows } = await database.query(`select id, name, total from ${table} order by id`)
      const clock = `select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as at`
      states.push({ at: String((await database.query(clock)).rows[0]?.at), rows })
    }
    await note()
    await database.query(`update ${table} set name = 'first' where id = 1`)
    await note()
    expect(await audit.backfill(table)).toEqual({ recorded: 3 })
    await note()
    // never changed, with what is not recorded: the row itself tells
    expect(await audit.rowAsOf(table, 4, String(states[0]?.at))).toMatchObject({
      secret: 'secret 4',
    })
    await database.query(`update ${table} set id = 20, name = 'moved' where id = 2`)
    await note()
    await database.query(`delete from ${table} where id = 3`)
    await note()
    await expectStates(table, states)
    const { rows } = await database.query(`select auditrum.backfill('${table}') as recorded`)
    expect(rows).toEqual([{ recorded: '0' }])
    await database.query(`truncate ${table}`)
    await note()
    await expectStates(table, states)
  })

  async function expectStates(name: string, states: readonly { at: string; rows: unknown[] }[]) {
    for (const { at, rows } of states) {
      const then: unknown[] = []
      for await (const row of audit.tableAsOf(name, at)) {
        const { secret, ...others } = row
        then.push(others)
      }
      expect(then).toHaveLength(rows.length)
      // of a row that was known in part when it was truncated, that part
      if (image === 'full') expect(then).toEqual(rows)
      else expect(rows).toMatchObject(then)
      for (const id of [1, 2, 3, 4, 20]) {
        const row = await audit.rowAsOf(name, id, at)
        const known = rows.find((each) => (each as { id: number }).id === id)
        if (known && image === 'full') expect(row).toMatchObject(known)
      }
    }
  }
})

test('rows are recorded anew behind a gap, and those found as they were have no new value', async () => {
  await database.tracked(
    'gaps',
    `create table gaps (id int primary key, a text); insert into gaps values (1, 'x'), (2, 'x')`,
  )
  await database.query(`update gaps set a = 'y'`)
  await audit.untrack('gaps')
  await database.query(`update gaps set a = 'z' where id = 2`)
  await database.track('gaps')
  expect(await audit.backfill('gaps')).toEqual({ recorded: 2 })
  expect(await audit.columnHistory('gaps', 1, 'a')).toMatchObject([
    { value: 'x' },
    { value: 'y', until: null },
  ])
  const values = await audit.columnHistory('gaps', 2, 'a')
  expect(values).toMatchObject([
    { value: 'x' },
    { value: 'y' },
    { value: 'z', operation: 'snapshot', userId: null, until: null },
  ])
  expect(values[1]?.until).toBe(values[2]?.since)
})

test('composite keys, partitions and children of inheritance are recorded, with the columns of each', async () => {
  await database.tracked(
    'parts',
    `create table parts (b int, a text, note text, primary key (a, b)) partition by list (b);
    create table parts_1 partition of parts for values in (1);
    create table parts_2 (note text, b int not null, a text not null);
    alter table parts attach partition parts_2 for values in (2);
    insert into parts values (1, 'x', 'one'), (2, 'y', 'two')`,
  )
  await database.tracked(
    'parents',
    `create table parents (id int primary key); create table children (extra text) inherits (parents);
    insert into parents values (1); insert into children values (2, 'more')`,
  )
  expect(await audit.backfill('parts')).toEqual({ recorded: 2 })
  expect(await audit.backfill('parents')).toEqual({ recorded: 2 })
  expect(
    (await database.events('parts')).map(({ object_id, new_data }) => [object_id, new_data]),
  ).toEqual([
    ['["x", 1]', { a: 'x', b: 1, note: 'one' }],
    ['["y", 2]', { a: 'y', b: 2, note: 'two' }],
  ])
  expect((await database.events('parents')).map(({ new_data }) => new_data)).toEqual([
    { id: 1 },
    { id: 2, extra: 'more' },
  ])
})

test.for([
  ['flags_both', 'NEW.active or coalesce(OLD.active, false)', ['1']],
  ['flags_each', { insert: 'NEW.active', update: 'false' }, ['1']],
  ['flags_changed', { update: 'false' }, ['1', '2']],
] as const)(
  'of a condition for %s, what it would not have recorded of an insert is left out',
  async ([table, when, ids]) => {
    await database.tracked(
      table,
      `create table ${table} (id int primary key, active boolean); insert into ${table} values (1, true), (2, false)`,
      { when },
    )
    await audit.backfill(table)
    expect((await database.events(table)).map(({ object_id }) => object_id)).toEqual(ids)
  },
)

test('a condition that cannot be evaluated for some row is said, and nothing is recorded', async () => {
  await database.tracked(
    'divided',
    'create table divided (id int primary key, n int); insert into divided values (1, 1), (2, 0)',
    { when: '1 / NEW.n > 0' },
  )
  await expect(audit.backfill('divided')).rejects.toMatchObject({
    code: 'AUDITRUM_DECLARATION',
    message: expect.stringMatching(/division by zero.*Nothing was recorded/),
  })
  expect(await database.events('divided')).toEqual([])
})

describe('refuses', () => {
  test.for([
    ['create table loose (id int primary key)', 'loose', /is not recorded/],
    [
      "create table keyless (note text); select auditrum.track('keyless')",
      'keyless',
      /no primary key/,
    ],
  ] as const)('%s', async ([text, table, message]) => {
    await database.query(text)
    await expect(audit.backfill(table)).rejects.toMatchObject({
      code: 'AUDITRUM_USAGE',
      message: expect.stringMatching(message),
    })
  })

  test('a snapshot of before: it would not see what others have committed meanwhile', async () => {
    const client = await database.client()
    await client.query('begin isolation level repeatable read')
    await expect(audit.on(client).backfill('accounts')).rejects.toThrow(
      /repeatable read.*READ COMMITTED/,
    )
    await client.query('rollback')
  })

  test('a role that does not own the log, and rows that row security would hide from its owner', async () => {
    const role = await database.role()
    await database.query(
      `grant select on accounts to ${role.name}; select auditrum.let_read('${role.name}')`,
    )
    await expect(new Auditrum(await role.client()).backfill('accounts')).rejects.toMatchObject({
      code: 'AUDITRUM_SCHEMA',
    })
    const owner = await database.role()
    await database.query(`
      create table guarded (id int primary key); insert into guarded values (1);
      alter table guarded enable row level security;
      grant create on database ${database.name} to ${owner.name};
      grant trigger, select on guarded to ${owner.name}`)
    const its = new Auditrum(await owner.client(), {
      schema: 'its_log',
      tables: [track('guarded')],
    })
    await its.sync()
    await expect(its.backfill('guarded')).rejects.toMatchObject({ code: 'AUDITRUM_SCHEMA' })
    await database.query('alter table guarded disable row level security')
    expect(await its.backfill('guarded')).toEqual({ recorded: 1 })
  })
})

test('while others write, no row is told wrongly', async () => {
  await database.tracked(
    'busy',
    `create table busy (id int primary key, n int); insert into busy select n, 0 from generate_series(1, 5000) as n`,
  )
  const clients = await Promise.all([1, 2, 3].map(() => database.client()))
  // written and not committed before the backfill begins: its event has the lower id
  const [early] = clients
  await early?.query('begin; update busy set n = 1 where id <= 10; delete from busy where id = 11')
  let isDone = false
  const writers = clients.slice(1).map(async (client, writer) => {
    for (let turn = 0; !isDone; turn++) {
      const id = 12 + ((turn * 7919 + writer * 1000) % 4900)
      await client.query('begin')
      await client.query(
        turn % 5 === 0
          ? `delete from busy where id = ${id}`
          : turn % 5 === 1
            ? `insert into busy values (${6000 + turn * 2 + writer}, 0)`
            : turn % 5 === 2
              ? `update busy set id = ${100_000 + turn * 2 + writer} where id = ${id}`
              : `update busy set n = n + 1 where id = ${id}`,
      )
      await client.query(turn % 7 === 0 ? 'rollback' : 'commit')
    }
  })
  const backfilled = audit.backfill('busy').finally(() => {
    isDone = true
  })
  await pause(300)
  await early?.query('commit')
  const { recorded } = await backfilled
  await Promise.all(writers)
  expect(recorded).toBeGreaterThan(4000)

  // each row's events are a chain: what one replaced is what the one before had left
  const { rows: broken } = await database.query(`
    select * from (
      select id, object_id, operation, new_data, old_data,
        lag(new_data) over w as before, lag(operation) over w as operation_before
      from auditrum.auditlog where table_name = 'busy' and old_object_id is null
      window w as (partition by object_id order by id)
    ) as event
    where operation = 'snapshot' and before is not null
      or operation in ('update', 'delete') and before is not null and old_data <> before`)
  expect(broken).toEqual([])
  const { rows: missing } = await database.query(`
    select id from busy
    where not exists (select from auditrum.auditlog where table_name = 'busy' and object_id = busy.id::text)`)
  expect(missing).toEqual([])
  const { rows: late } = await database.query(`
    select log.object_id from auditrum.auditlog as log
    where log.table_name = 'busy' and log.operation = 'snapshot'
      and log.object_id in (select n::text from generate_series(1, 11) as n)`)
  expect(late).toEqual([])
}, 30_000)

test('two at once record each row once', async () => {
  await database.tracked(
    'twice',
    'create table twice (id int primary key); insert into twice select generate_series(1, 2000)',
  )
  const clients = await Promise.all([database.client(), database.client()])
  const counts = await Promise.all(clients.map((client) => audit.on(client).backfill('twice')))
  expect(counts.map(({ recorded }) => recorded).sort()).toEqual([0, 2000])
})

test('who writes without end is waited for in vain, and named', async () => {
  await database.tracked(
    'held',
    'create table held (id int primary key); insert into held values (1), (2)',
  )
  const client = await database.client()
  await client.query('begin; delete from held where id = 1')
  await expect(
    database.query(`select auditrum.backfill('held', '50 milliseconds')`),
  ).rejects.toMatchObject({ code: 'AU003', message: expect.stringContaining('without committing') })
  await client.query('rollback')
  expect(await database.events('held')).toEqual([])
})

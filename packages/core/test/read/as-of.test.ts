import { beforeAll, describe, expect, test } from 'vitest'
import {
  Auditrum,
  type Moment,
  type Queryable,
  type RowId,
  type TrackOptions,
} from '../../src/index.js'
import { type AuditedDatabase, auditedDatabase } from '../support.js'

type Rows = Record<string, unknown>[]

let database: AuditedDatabase
let audit: Auditrum
beforeAll(async () => {
  database = await auditedDatabase()
  audit = new Auditrum(database)
})

/** The time in the database, to the microsecond. */
async function now(): Promise<string> {
  const { rows } = await database.query<{ now: string }>(
    `select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as now`,
  )
  return String(rows[0]?.now)
}

async function all<R>(rows: AsyncIterable<R>): Promise<R[]> {
  const list: R[] = []
  for await (const row of rows) list.push(row)
  return list
}

async function select(text: string): Promise<Rows> {
  return (await database.query(text)).rows
}

/** Every way to ask for a table gives these rows. */
async function expectRows(table: string, at: Moment, key: string | string[], expected: Rows) {
  expect(await all(audit.tableAsOf(table, at))).toEqual(expected)
  const streaming = new Auditrum({ ...streamed(database) })
  const streamedRows = await all(streaming.tableAsOf(table, at))
  expect(streamedRows).toHaveLength(expected.length)
  expect(streamedRows).toEqual(expect.arrayContaining(expected))
  for (const row of expected) {
    const id = typeof key === 'string' ? row[key] : key.map((name) => row[name])
    expect(await audit.rowAsOf(table, id as RowId, at)).toEqual(row)
  }
}

/** A driver that can stream. */
function streamed(queryable: Queryable): Queryable {
  return {
    query: (text, values) => queryable.query(text, values),
    async *stream(text, values) {
      yield* (await queryable.query(text, values)).rows
    },
  }
}

describe.for(['full', 'changed'] as const)('with image %s', (image) => {
  const table = `orders_${image}`
  const states: [string, Rows][] = []
  beforeAll(async () => {
    await database.tracked(
      table,
      `create table ${table} (id int primary key, status text, total numeric(10,2), note text);
      insert into ${table} values (1, 'old', 1.10, 'before'), (2, 'old', 2, null)`,
      { image },
    )
    for (const statement of [
      'select',
      `insert into ${table} values (3, 'new', 3.00, 'x')`,
      `update ${table} set status = 'paid' where id in (1, 3)`,
      `update ${table} set note = 'later', total = 9.99 where id = 1`,
      `delete from ${table} where id = 2`,
      `update ${table} set id = 10 where id = 1`,
      `insert into ${table} values (1, 'again', 0, null), (2, 'again', 0, 'y')`,
      `update ${table} set note = null where id = 3; delete from ${table} where id = 3`,
    ]) {
      await database.query(statement)
      states.push([await now(), await select(`select * from ${table} order by id`)])
    }
  })

  test('every state is there again, rows that never changed included', async () => {
    for (const [at, rows] of states) await expectRows(table, at, 'id', rows)
  })

  test('a row is null before it was there, and behind its end', async () => {
    expect(await audit.rowAsOf(table, 3, String(states[0]?.[0]))).toBeNull()
    expect(await audit.rowAsOf(table, 3, String(states.at(-1)?.[0]))).toBeNull()
    expect(await audit.rowAsOf(table, 4711, new Date())).toBeNull()
  })

  test('a row whose key was changed is found by either key', async () => {
    const [at, rows] = states[0] as [string, Rows]
    expect(await audit.rowAsOf(table, 1, at)).toEqual(rows[0])
    expect(await audit.rowAsOf(table, 10, at)).toEqual(rows[0])
    const [later] = states[4] as [string, Rows]
    expect(await audit.rowAsOf(table, 10, later)).toMatchObject({ id: 1, total: '9.99' })
  })

  test('SQL gives the same', async () => {
    for (const [at, rows] of states) {
      const { rows: found } = await database.query(
        `select * from auditrum.as_of(null::${table}, $1) order by id`,
        [at],
      )
      expect(found).toEqual(rows)
      for (const row of rows) {
        const text = `select * from auditrum.row_as_of(null::${table}, $1::int, $2)`
        expect((await database.query(text, [row.id, at])).rows).toEqual([row])
      }
    }
  })
})

test('a moment is also right after an event or a transaction', async () => {
  await database.tracked('steps', 'create table steps (id int primary key, v int)')
  const states: [string, Rows][] = []
  for (const statement of [
    'insert into steps values (1, 1), (2, 2)',
    'update steps set v = 10',
    'delete from steps where id = 1',
  ]) {
    await database.query(statement)
    const event = (await database.events('steps')).at(-1)
    states.push([String(event?.id), await select('select * from steps order by id')])
  }
  for (const [event, rows] of states) {
    await expectRows('steps', { event }, 'id', rows)
    await expectRows('steps', { event: BigInt(event) }, 'id', rows)
    const { events } = await audit.page({ after: String(Number(event) + 1), limit: 1 })
    await expectRows('steps', { transaction: String(events[0]?.transactionId) }, 'id', rows)
    const found = await select(
      `select * from auditrum.as_of(null::steps, event => ${event}) order by id`,
    )
    expect(found).toEqual(rows)
  }
  // within a statement, too
  const [first] = await database.events('steps')
  expect(await audit.rowAsOf('steps', 2, { event: String(first?.id) })).toBeNull()
  expect(await all(audit.tableAsOf('steps', { event: String(first?.id) }))).toEqual([
    { id: 1, v: 1 },
  ])
})

test('half a transfer is left out, unless it is asked for', async () => {
  await database.tracked(
    'accounts',
    `create table accounts (id text primary key, balance int); insert into accounts values ('a', 100), ('b', 0)`,
  )
  await database.query('create table elsewhere (id int primary key)')
  await database.track('elsewhere')
  const client = await database.client()
  await client.query('begin')
  await client.query(`update accounts set balance = balance - 60 where id = 'a'`)
  const at = await now()
  await database.query(`insert into accounts values ('c', 1)`)
  const between = await now()
  await client.query(`update accounts set balance = balance + 60 where id = 'b'; commit`)

  const sum = (rows: Rows) => rows.reduce((total, { balance }) => total + Number(balance), 0)
  expect(sum(await all(audit.tableAsOf('accounts', at)))).toBe(100)
  expect(sum(await all(audit.tableAsOf('accounts', at, { consistent: false })))).toBe(40)
  expect(sum(await all(audit.tableAsOf('accounts', between)))).toBe(101)
  expect(sum(await all(audit.tableAsOf('accounts', new Date(Date.now() + 1000))))).toBe(101)
  expect(await audit.rowAsOf('accounts', 'a', at)).toMatchObject({ balance: 40 })
  expect(await audit.rowAsOf('accounts', 'a', at, { consistent: true })).toMatchObject({
    balance: 100,
  })
  const total = (more: string) =>
    database.query(
      `select sum(balance)::int as sum from auditrum.as_of(null::accounts, $1${more})`,
      [at],
    )
  expect((await total('')).rows).toEqual([{ sum: 100 }])
  expect((await total(', false')).rows).toEqual([{ sum: 40 }])

  // and in another context of the same transaction
  await client.query('begin')
  await client.query(`update accounts set balance = balance - 1 where id = 'a'`)
  const first = await now()
  await client.query(
    `select set_config('auditrum.context', '{"user_id": 2}', true), pg_sleep(0.01)`,
  )
  await client.query(`update accounts set balance = balance + 1 where id = 'b'; commit`)
  expect(sum(await all(audit.tableAsOf('accounts', first)))).toBe(101)
  expect(sum(await all(audit.tableAsOf('accounts', first, { consistent: false })))).toBe(100)

  // a later event in another table is one as well
  await client.query('begin')
  await client.query(`update accounts set balance = 0 where id = 'c'`)
  const open = await now()
  await client.query(`insert into elsewhere values (1); commit`)
  expect(await all(audit.tableAsOf('accounts', open))).toContainEqual({ id: 'c', balance: 1 })
})

test.each([
  ['rowAsOf', async (inside: Auditrum, at: string) => [await inside.rowAsOf('own', 1, at)], [null]],
  [
    'tableAsOf',
    (inside: Auditrum, at: string) => all(inside.tableAsOf('own', at, { consistent: false })),
    [],
  ],
])(
  '%s: a transaction sees what it has written itself, whatever others finish meanwhile',
  async (_, ask, expected) => {
    await database.tracked('own', 'drop table if exists own; create table own (id int primary key)')
    await database.query('insert into own values (1)')
    const client = await database.client()
    await client.query('begin; delete from own')
    const at = await now()
    let asked = 0
    const inside = audit.on({
      async query(text, values) {
        if (asked++ > 0) await database.query('select pg_current_xact_id()')
        return client.query(text, values)
      },
    })
    expect(await ask(inside, at)).toEqual(expected)
    await client.query('rollback')
  },
)

describe('keys', () => {
  test('that are composite, swapped, and used again by other rows', async () => {
    await database.tracked(
      'lines',
      "create table lines (b text, a int, note text, primary key (a, b)); insert into lines values ('x', 1, '0')",
    )
    const states: [string, Rows][] = []
    for (const statement of [
      'select',
      `insert into lines values ('x', 2, 'n'), ('"[y],', 2, 'm')`,
      `update lines set a = -1 where a = 2 and b = 'x'`,
      `update lines set a = 2 where a = 1`,
      `update lines set a = 1 where a = -1`,
      `delete from lines where a = 2`,
      `insert into lines values ('x', 2, 'other')`,
    ]) {
      await database.query(statement)
      states.push([await now(), await select('select * from lines order by a, b')])
    }
    for (const [at, rows] of states) await expectRows('lines', at, ['a', 'b'], rows)
    expect(await audit.rowAsOf('lines', { b: 'x', a: 2 }, String(states[1]?.[0]))).toEqual({
      a: 2,
      b: 'x',
      note: 'n',
    })
  })

  test('of over 2,000 bytes', async () => {
    await database.tracked('pages', 'create table pages (url text primary key, hits int)')
    const long = (letter: string) => letter.repeat(2500)
    await database.query('insert into pages values ($1, 1), ($2, 2), ($3, 3)', [
      'short',
      long('a'),
      long('b'),
    ])
    const at = await now()
    const rows = await select('select * from pages order by hits')
    await database.query(
      'update pages set hits = 0 where hits = 2; delete from pages where hits = 3',
    )
    const found = await all(audit.tableAsOf('pages', at))
    expect(found).toHaveLength(3)
    expect(found).toEqual(expect.arrayContaining(rows))
    expect(await audit.rowAsOf('pages', long('a'), at)).toEqual(rows[1])
    expect(await audit.rowAsOf('pages', long('b'), at)).toEqual(rows[2])
  })

  test('are needed', async () => {
    await database.tracked('notes', 'create table notes (note text)')
    await expect(all(audit.tableAsOf('notes', new Date()))).rejects.toThrow(/no primary key/)
    await expect(audit.rowAsOf('notes', 1, new Date())).rejects.toThrow(/no primary key/)
    await expect(
      database.query('select * from auditrum.as_of(null::notes, now())'),
    ).rejects.toMatchObject({ code: 'AU005', message: expect.stringMatching(/no primary key/) })
  })
})

describe('truncated rows', () => {
  test.for<TrackOptions['image']>(['full', 'changed'])(
    'come from their own events (image %s)',
    async (image) => {
      const table = `wiped_${image}`
      await database.tracked(table, `create table ${table} (id int primary key, v text, w text)`, {
        image,
      })
      const states: [string, Rows][] = []
      for (const statement of [
        `insert into ${table} values (1, 'a', 'a'), (2, 'b', 'b'), (3, 'c', 'c'), (4, 'd', 'd')`,
        `update ${table} set v = 'x' where id = 1`,
        `update ${table} set w = 'y' where id = 1; update ${table} set id = 20 where id = 2; delete from ${table} where id = 3`,
        `truncate ${table}`,
        `insert into ${table} values (1, 'again', 'z'), (3, 'again', 'z')`,
        `truncate ${table}`,
        `insert into ${table} values (4, 'third', 'z')`,
      ]) {
        await database.query(statement)
        states.push([await now(), await select(`select * from ${table} order by id`)])
      }
      for (const [at, rows] of states) await expectRows(table, at, 'id', rows)
      const { complete } = await audit.tableAsOf(table, String(states[0]?.[0]))
      expect(complete).toBe(false)
    },
  )

  test('of one partition, too', async () => {
    await database.tracked(
      'parted',
      `create table parted (id int primary key, v text) partition by range (id);
      create table parted_1 partition of parted for values from (0) to (10);
      create table parted_2 partition of parted for values from (10) to (20)`,
    )
    const states: [string, Rows][] = []
    for (const statement of [
      `insert into parted values (1, 'a'), (2, 'b'), (11, 'c'), (12, 'd')`,
      `update parted set v = 'x' where id in (1, 11); update parted set id = 15 where id = 2`,
      'truncate parted_1',
      `insert into parted values (1, 'again'); update parted set v = 'y' where id = 12`,
    ]) {
      await database.query(statement)
      states.push([await now(), await select('select * from parted order by id')])
    }
    for (const [at, rows] of states) await expectRows('parted', at, 'id', rows)
    // no event tells that a partition was dropped, but its rows have theirs
    const [at, rows] = states[0] as [string, Rows]
    await database.query('drop table parted_2')
    expect(await audit.rowAsOf('parted', 12, at)).toEqual(rows[3])
  })
})

test('an inheritance parent is read with its children', async () => {
  await database.tracked(
    'parents',
    `create table parents (id int primary key, v text);
    create table children (extra text) inherits (parents);
    insert into parents values (1, 'a')`,
  )
  await database.query(`insert into children values (2, 'b', 'more')`)
  const at = await now()
  const rows = await select('select * from parents order by id')
  await database.query(
    `update children set v = 'x', extra = 'y'; update parents set v = 'z' where id = 1`,
  )
  await expectRows('parents', at, 'id', rows)
})

describe('columns', () => {
  const states: [string, Rows][] = []
  beforeAll(async () => {
    await database.tracked(
      'shapes',
      'create table shapes (id int primary key, name text, size int, gone text, amount numeric(6,2))',
    )
    await database.query(
      `insert into shapes values (1, 'a', 1, 'kept', 1.25), (2, 'b', 2, 'kept', 2.5), (3, 'c', 3, 'kept', 3)`,
    )
    for (const [ddl, write] of [
      ['select', `update shapes set name = 'A' where id = 1`],
      ['alter table shapes rename name to title', `update shapes set title = 'AA' where id = 1`],
      ["alter table shapes add added text default 'new'", `update shapes set size = size + 10`],
      ['alter table shapes drop gone', 'select'],
      ['alter table shapes alter amount type int', `update shapes set amount = 7 where id = 2`],
      ['alter table shapes alter size type text', `delete from shapes where id = 2`],
      ['alter table shapes rename size to name', `update shapes set name = 'big' where id = 3`],
      ['alter table shapes drop added, add added int', `update shapes set added = 5 where id = 1`],
    ] as const) {
      states.push([await now(), await select('select * from shapes order by id')])
      await database.query(ddl)
      await database.track('shapes')
      states.push([await now(), await select('select * from shapes order by id')])
      await database.query(write)
    }
    states.push([await now(), await select('select * from shapes order by id')])
  })

  test('are those of then: names, types, dropped ones', async () => {
    for (const [at, rows] of states) await expectRows('shapes', at, 'id', rows)
  })

  test('in SQL are the present ones, renamed ones followed', async () => {
    const [at] = states[0] as [string, Rows]
    const { rows } = await database.query(
      'select * from auditrum.as_of(null::shapes, $1) order by id',
      [at],
    )
    expect(rows).toEqual([
      { id: 1, title: 'a', name: '1', amount: null, added: null },
      { id: 2, title: 'b', name: '2', amount: null, added: null },
      { id: 3, title: 'c', name: '3', amount: null, added: null },
    ])
  })

  test('that no sync has seen change are told by the images', async () => {
    await database.tracked('unseen', 'create table unseen (id int primary key, a text, b text)')
    await database.query(`insert into unseen values (1, 'a1', 'b1'), (2, 'a2', 'b2')`)
    const at = await now()
    const before = await select('select * from unseen order by id')
    await database.query(
      `alter table unseen rename a to c; update unseen set c = 'changed' where id = 1`,
    )
    const later = await now()
    const after = await select('select * from unseen order by id')
    await database.query('delete from unseen')
    await expectRows('unseen', at, 'id', before)
    await expectRows('unseen', later, 'id', after)
  })

  test('of a table that was created anew are told by their names', async () => {
    await database.tracked('anew', `create table anew (id int primary key, a text, b text)`)
    await database.query(`insert into anew values (1, 'a', 'b')`)
    const at = await now()
    await database.query(
      `delete from anew; drop table anew; create table anew (id int primary key, b text, a text)`,
    )
    await database.track('anew')
    await database.query(`insert into anew values (1, 'new b', 'new a')`)
    expect(await audit.rowAsOf('anew', 1, at)).toEqual({ id: 1, a: 'a', b: 'b' })
    expect(
      (await database.query('select * from auditrum.row_as_of(null::anew, 1, $1)', [at])).rows,
    ).toEqual([{ id: 1, a: 'a', b: 'b' }])
  })
})

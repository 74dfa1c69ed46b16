import { beforeAll, describe, expect, test } from 'vitest'
import { Auditrum } from '../../src/index.js'
import { type AuditedDatabase, auditedDatabase } from '../support.js'

let database: AuditedDatabase
let audit: Auditrum
beforeAll(async () => {
  database = await auditedDatabase()
  audit = new Auditrum(database)
})

async function all<R>(rows: AsyncIterable<R>): Promise<R[]> {
  const list: R[] = []
  for await (const row of rows) list.push(row)
  return list
}

async function now(): Promise<string> {
  const { rows } = await database.query<{ now: string }>(
    `select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as now`,
  )
  return String(rows[0]?.now)
}

async function by(user: string, text: string): Promise<string> {
  await database.query(
    `begin; select set_config('auditrum.context', '{"user_id": "${user}", "change_reason": "for ${user}"}', true); ${text}; commit`,
  )
  return now()
}

describe.for(['full', 'changed'] as const)('with image %s', (image) => {
  const table = `orders_${image}`
  const at: string[] = []
  beforeAll(async () => {
    await database.tracked(
      table,
      `create table ${table} (id int primary key, status text, total numeric, big bigint);
      insert into ${table} values (1, 'old', 1.10, 9007199254740993), (2, 'old', 2, 2), (3, 'old', 3, 3), (4, 'old', 4, 4)`,
      { image },
    )
    at.push(await now())
    at.push(await by('anna', `update ${table} set status = 'paid' where id in (1, 2)`))
    at.push(
      await by(
        'ben',
        `update ${table} set id = 20 where id = 2; delete from ${table} where id = 3`,
      ),
    )
    at.push(
      await by(
        'carl',
        `insert into ${table} values (5, 'new', 5, 5), (6, 'new', 6, 6); update ${table} set total = 1.1 where id = 1`,
      ),
    )
    at.push(
      await by(
        'dora',
        `delete from ${table} where id = 6; update ${table} set status = 'old' where id = 1; insert into ${table} values (3, 'again', 3, 3)`,
      ),
    )
  })

  test('a row is compared between two moments', async () => {
    const compare = (id: number, from: number, to: number) =>
      audit.compare(table, id, String(at[from]), String(at[to]))
    expect(await compare(1, 0, 1)).toEqual({
      changes: { status: { from: 'old', to: 'paid' } },
      complete: true,
    })
    expect(await compare(1, 0, 4)).toEqual({
      changes: { total: { from: '1.10', to: '1.1' } },
      complete: true,
    })
    expect(await compare(1, 1, 0)).toMatchObject({
      changes: { status: { from: 'paid', to: 'old' } },
    })
    expect((await compare(4, 0, 4)).changes).toEqual({})
    const moved = { id: { from: 2, to: 20 }, status: { from: 'old', to: 'paid' } }
    expect((await compare(2, 0, 4)).changes).toEqual(moved)
    expect((await compare(20, 0, 4)).changes).toEqual(moved)
    expect((await compare(3, 0, 2)).changes).toMatchObject({
      id: { from: 3, to: null },
      total: { from: '3', to: null },
    })
    expect((await compare(5, 0, 4)).changes).toMatchObject({
      id: { from: null, to: 5 },
      status: { from: null, to: 'new' },
    })
    expect((await compare(6, 0, 4)).changes).toEqual({})
    expect((await audit.compare(table, 1, new Date(0), String(at[1]))).complete).toBe(false)
  })

  test('a table is compared, row by row', async () => {
    expect(await all(audit.compare(table, String(at[0]), String(at[2])))).toEqual([
      { id: '1', kind: 'update', changes: { status: { from: 'old', to: 'paid' } } },
      {
        id: '20',
        kind: 'update',
        changes: { id: { from: 2, to: 20 }, status: { from: 'old', to: 'paid' } },
      },
      {
        id: '3',
        kind: 'delete',
        changes: {
          id: { from: 3, to: null },
          status: { from: 'old', to: null },
          total: { from: '3', to: null },
          big: { from: '3', to: null },
        },
      },
    ])
    const kinds = async (from: number, to: number) =>
      (await all(audit.compare(table, String(at[from]), String(at[to])))).map(({ id, kind }) => [
        id,
        kind,
      ])
    expect(await kinds(0, 4)).toEqual([
      ['1', 'update'],
      ['20', 'update'],
      ['3', 'delete'],
      ['5', 'insert'],
      ['3', 'insert'],
    ])
    expect(await kinds(2, 4)).toEqual([
      ['5', 'insert'],
      ['1', 'update'],
      ['3', 'insert'],
    ])
    expect(await kinds(3, 3)).toEqual([])
  })

  test('a column has its values, oldest first', async () => {
    const values = await audit.columnHistory(table, 1, 'status')
    expect(values).toMatchObject([
      { value: 'old', since: null, eventId: null, userId: null, masked: false },
      { value: 'paid', userId: 'anna', changeReason: 'for anna', operation: 'update' },
      { value: 'old', userId: 'dora', until: null },
    ])
    expect(values[0]?.until).toBe(values[1]?.since)
    expect(values[1]?.until).toBe(values[2]?.since)
    const ids = (await database.events(table)).map(({ id }) => id)
    expect(ids).toContain(values[1]?.eventId)
    expect(await audit.columnHistory(table, 1, 'big')).toMatchObject([
      { value: '9007199254740993', since: null, until: null },
    ])
    expect(await audit.columnHistory(table, 4, 'status')).toMatchObject([
      { value: 'old', since: null, until: null },
    ])
    expect((await audit.columnHistory(table, 20, 'status')).map(({ value }) => value)).toEqual([
      'old',
      'paid',
    ])
    expect(await audit.columnHistory(table, 3, 'status')).toMatchObject([
      { value: 'old', since: null, until: expect.any(String) },
      { value: 'again', until: null, operation: 'insert', userId: 'dora' },
    ])
    expect((await audit.columnHistory(table, 6, 'total'))[0]).toMatchObject({
      value: '6',
      until: expect.any(String),
    })
    expect(await audit.columnHistory(table, 4711, 'status')).toEqual([])
    const { rows } = await database.query(
      `select value from auditrum.column_history('${table}', '1', 'status')`,
    )
    expect(rows.map(({ value }) => value)).toEqual(['old', 'paid', 'old'])
  })
})

test('a comparison of a table says what the log knows of both moments', async () => {
  const before = await now()
  await database.tracked(
    'known',
    'create table known (id int primary key, v text, seen int); insert into known values (1, $$a$$, 0)',
    { ignore: ['seen'] },
  )
  const from = await now()
  await database.query(`update known set v = 'b'`)
  const differences = audit.compare('known', from, await now())
  expect(() => differences.complete).toThrow(/Await what compare returns/)
  for await (const { id } of differences) {
    expect(id).toBe('1')
    expect(differences).toMatchObject({ complete: true, approximate: ['seen'] })
  }
  const tooEarly = await audit.compare('known', before, from)
  expect(tooEarly).toMatchObject({ complete: false, since: differences.since })
  expect(await all(tooEarly)).toEqual([])
  expect(await all(tooEarly)).toEqual([])

  await database.query('truncate known')
  const cut = await audit.compare('known', from, await now())
  expect(cut.complete).toBe(false)
  expect(String(cut.since) > from).toBe(true)
  await database.query(`select auditrum.untrack('known')`)
  expect(await audit.compare('known', from, from)).toMatchObject({ complete: false, since: null })
})

test('columns are followed through renaming', async () => {
  await database.tracked('renamed', `create table renamed (id int primary key, a text, b int)`)
  await database.query(`insert into renamed values (1, 'first', 1)`)
  const from = await now()
  await database.query(
    `update renamed set a = 'second'; alter table renamed rename a to c; alter table renamed add d int`,
  )
  await database.track('renamed')
  await database.query(`update renamed set c = 'third', b = 2`)
  expect((await audit.columnHistory('renamed', 1, 'c')).map(({ value }) => value)).toEqual([
    'first',
    'second',
    'third',
  ])
  expect((await audit.columnHistory('renamed', 1, 'a')).map(({ value }) => value)).toEqual([
    'first',
    'second',
    'third',
  ])
  const { changes } = await audit.compare('renamed', 1, from, new Date(Date.now() + 1000))
  expect(changes).toEqual({ c: { from: 'first', to: 'third' }, b: { from: 1, to: 2 } })
})

test('a column may be called what every object of JavaScript has', async () => {
  await database.tracked('built', `create table built (id int primary key, "toString" text)`)
  await database.query(`insert into built values (1, 'first')`)
  const from = await now()
  await database.query(`alter table built add "constructor" text`)
  await database.track('built')
  await database.query(`update built set "constructor" = 'new', "toString" = 'second'`)
  const { changes } = await audit.compare('built', 1, from, new Date(Date.now() + 1000))
  expect(changes).toEqual({
    toString: { from: 'first', to: 'second' },
    constructor: { from: null, to: 'new' },
  })
  const [event] = (await audit.page({ table: 'built', id: 1, labels: true })).events
  expect(event?.diff).toEqual({
    toString: { old: 'first', new: 'second' },
    constructor: { old: null, new: 'new' },
  })
})

test('a masked column says when it changed, and not to what', async () => {
  await database.tracked('masking', 'create table masking (id int primary key, iban text)', {
    mask: ['iban'],
  })
  await database.query(
    `insert into masking values (1, 'secret'); update masking set iban = 'other'`,
  )
  expect(await audit.columnHistory('masking', 1, 'iban')).toMatchObject([
    { value: null, masked: true, operation: 'insert' },
    { value: null, masked: true, operation: 'update', until: null },
  ])
})

test('a large table is compared page by page, also while others write', async () => {
  await database.tracked(
    'many',
    'create table many (id int primary key, v int); insert into many select n, 0 from generate_series(1, 900) as n',
  )
  const from = await now()
  await database.query('update many set v = 1 where id % 2 = 0; delete from many where id % 3 = 0')
  const to = await now()
  const kinds: string[] = []
  for await (const { id, kind, changes } of audit.compare<{ id: number; v: number }>(
    'many',
    from,
    to,
  )) {
    kinds.push(kind)
    if (kind === 'update') expect(changes).toEqual({ v: { from: 0, to: 1 } })
    await database.query(
      `update many set v = v + 1 where id = ${901 - Number(id)}; delete from many where id = ${id}`,
    )
  }
  expect(kinds.filter((kind) => kind === 'update')).toHaveLength(300)
  expect(kinds.filter((kind) => kind === 'delete')).toHaveLength(300)
})

test('across a truncation, too', async () => {
  await database.tracked('cut', 'create table cut (id int primary key, v text)')
  await database.query(`insert into cut values (1, 'a'), (2, 'b'), (3, 'c')`)
  const from = await now()
  await database.query(`truncate cut; insert into cut values (2, 'b'), (3, 'x'), (4, 'd')`)
  const found = await all(audit.compare('cut', from, new Date(Date.now() + 1000)))
  expect(found.map(({ id, kind }) => [id, kind])).toEqual([
    ['1', 'delete'],
    ['3', 'update'],
    ['4', 'insert'],
  ])
})

test('what makes no sense is refused', async () => {
  const at = new Date()
  await expect(audit.compare('orders_full', undefined as never, at, at)).rejects.toThrow(
    /undefined/,
  )
  await expect(all(audit.compare('orders_full', 'yesterday', at))).rejects.toThrow(/no moment/)
  await expect(
    all(audit.compare('orders_full', at, at, { consistant: true } as never)),
  ).rejects.toThrow(/no option/)
  await expect(audit.columnHistory('orders_full', 1, 'statsu')).rejects.toThrow(
    /Did you mean "status"/,
  )
  await expect(audit.columnHistory('orders_full', 1, '')).rejects.toThrow(/Give the name/)
})

import { beforeAll, describe, expect, test } from 'vitest'
import { Auditrum, type ChangesOf, type RowChange } from '../../src/index.js'
import { type AuditedDatabase, auditedDatabase } from '../support.js'

let database: AuditedDatabase
let audit: Auditrum
beforeAll(async () => {
  database = await auditedDatabase()
  audit = new Auditrum(database)
})

async function all(of: ChangesOf, options?: object): Promise<RowChange[]> {
  const list: RowChange[] = []
  for await (const change of audit.changes(of, options)) list.push(change)
  return list
}

/** What statements change in one transaction. */
async function changed(statements: string, metadata: object = {}): Promise<RowChange[]> {
  await database.query(
    `begin; select set_config('auditrum.context', '${JSON.stringify(metadata)}', true); ${statements}; commit`,
  )
  const { events } = await audit.page({ limit: 1 })
  return all({ transaction: String(events[0]?.transactionId) })
}

const short = ({ operation, objectId, oldObjectId, changes }: RowChange) => ({
  operation,
  objectId,
  ...(oldObjectId !== null && { oldObjectId }),
  changes: Object.fromEntries(
    Object.entries(changes).map(([column, change]) => [column, [change?.from, change?.to]]),
  ),
})

describe.for(['full', 'changed'] as const)('with image %s', (image) => {
  const table = `orders_${image}`
  beforeAll(async () => {
    await database.tracked(
      table,
      `create table ${table} (id int primary key, status text, total numeric, secret text)`,
      { image, mask: ['secret'], label: `'order ' || id` },
    )
  })
  beforeAll(async () => {
    await database.query(
      `delete from ${table}; insert into ${table} select n, 'new', n from generate_series(1, 9) as n`,
    )
  })

  test('first old and last new values, in the order of the first change', async () => {
    const changes = await changed(
      `update ${table} set status = 'paid' where id = 2;
      update ${table} set status = 'open', total = 7 where id = 1;
      update ${table} set status = 'shipped', total = 1.00 where id in (1, 2)`,
      { user_id: 7, change_reason: 'Shipping' },
    )
    expect(changes.map(short)).toEqual([
      {
        operation: 'update',
        objectId: '2',
        changes: { status: ['new', 'shipped'], total: ['2', '1.00'] },
      },
      {
        operation: 'update',
        objectId: '1',
        changes: { status: ['new', 'shipped'], total: ['1', '1.00'] },
      },
    ])
    expect(changes[0]).toMatchObject({
      schema: 'public',
      table,
      label: 'order 2',
      userIds: ['7'],
      changeReasons: ['Shipping'],
      masked: [],
      lossy: false,
    })
    expect(changes[0]?.events).toHaveLength(2)
    expect(String(changes[0]?.firstAt) < String(changes[0]?.lastAt)).toBe(true)
  })

  test('what is again as it was is left out, and what came and went', async () => {
    expect(
      await changed(`
        update ${table} set status = 'x', total = 30 where id = 3;
        update ${table} set status = 'new' where id = 3;
        update ${table} set status = 'x' where id = 4;
        update ${table} set status = 'new' where id = 4;
        insert into ${table} values (100, 'new', 1);
        update ${table} set total = 2 where id = 100;
        delete from ${table} where id = 100;
        delete from ${table} where id = 5;
        insert into ${table} values (5, 'new', 5.0)`),
    ).toMatchObject([
      { objectId: '3', operation: 'update', changes: { total: { from: '3', to: '30' } } },
      { objectId: '5', operation: 'update', changes: { total: { from: '5', to: '5.0' } } },
    ])
  })

  test('inserts and deletes hold the whole row, as it was before and is in the end', async () => {
    const changes = await changed(`
      insert into ${table} values (10, 'new', 1); update ${table} set total = 2 where id = 10;
      update ${table} set status = 'void' where id = 6; delete from ${table} where id = 6`)
    expect(changes.map(short)).toEqual([
      {
        operation: 'insert',
        objectId: '10',
        changes: { id: [null, 10], status: [null, 'new'], total: [null, '2'] },
      },
      {
        operation: 'delete',
        objectId: '6',
        changes: { id: [6, null], status: ['new', null], total: ['6', null] },
      },
    ])
  })

  test('rows are followed through changes of their key', async () => {
    const changes = await changed(`
      update ${table} set total = 70 where id = 7;
      update ${table} set id = 70 where id = 7;
      insert into ${table} values (7, 'another', 0);
      update ${table} set id = 71 where id = 70;
      update ${table} set status = 'moved' where id = 71;
      delete from ${table} where id = 8;
      update ${table} set id = 8 where id = 9;
      insert into ${table} values (200, 'new', 0); update ${table} set id = 201 where id = 200; delete from ${table} where id = 201`)
    expect(changes.map(short)).toEqual([
      {
        operation: 'update',
        objectId: '71',
        oldObjectId: '7',
        changes: { id: [7, 71], status: ['new', 'moved'], total: ['7', '70'] },
      },
      {
        operation: 'insert',
        objectId: '7',
        changes: { id: [null, 7], status: [null, 'another'], total: [null, '0'] },
      },
      {
        operation: 'delete',
        objectId: '8',
        changes: { id: [8, null], status: ['new', null], total: ['8', null] },
      },
      { operation: 'update', objectId: '8', oldObjectId: '9', changes: { id: [9, 8] } },
    ])
  })

  test('of masked columns it is said that they changed', async () => {
    expect(await changed(`update ${table} set secret = 'x' where id = 1`)).toMatchObject([
      { operation: 'update', changes: {}, masked: ['secret'] },
    ])
  })
})

test('a truncation stands for what had been done to the rows before', async () => {
  await database.tracked(
    'cleared',
    `create table cleared (id int primary key, n int); insert into cleared values (1, 1)`,
  )
  expect(
    (
      await changed(
        'update cleared set n = 2; insert into cleared values (2, 2); truncate cleared; insert into cleared values (1, 3)',
      )
    ).map(short),
  ).toEqual([
    { operation: 'truncate', objectId: null, changes: {} },
    { operation: 'insert', objectId: '1', changes: { id: [null, 1], n: [null, 3] } },
  ])
})

test('nothing is rounded', async () => {
  await database.tracked(
    'exact',
    `create table exact (id bigint primary key, big bigint, cents numeric(40, 20), at timestamptz, raw bytea, doc jsonb)`,
  )
  await database.query(
    `insert into exact values (9007199254740993, 9007199254740993, 1.10, '2026-01-01 00:00:00.000001+00', '\\x00', '{}')`,
  )
  const [change] = await changed(`
    update exact set big = 9223372036854775807, cents = 9007199254740993.00000000000000000001,
      at = '2026-01-01 00:00:00.000002+00', raw = '\\xff', doc = '{"n": 12345678901234567890.123}'`)
  expect(change?.changes).toEqual({
    big: { from: '9007199254740993', to: '9223372036854775807' },
    cents: { from: '1.10000000000000000000', to: '9007199254740993.00000000000000000001' },
    at: { from: '2026-01-01T00:00:00.000001+00:00', to: '2026-01-01T00:00:00.000002+00:00' },
    raw: { from: '\\x00', to: '\\xff' },
    doc: { from: {}, to: { n: '12345678901234567890.123' } },
  })
  const [event] = (await audit.page({ table: 'exact', id: 9007199254740993n })).events
  expect(event?.diff).toMatchObject({
    at: { old: '2026-01-01T00:00:00.000001+00:00' },
    raw: { new: '\\xff' },
    cents: { new: '9007199254740993.00000000000000000001' },
  })
  const lines = await audit.blame('exact', '9007199254740993')
  expect(lines.find(({ column }) => column === 'big')?.value).toBe('9223372036854775807')
  expect(lines.find(({ column }) => column === 'at')?.value).toBe(
    '2026-01-01T00:00:00.000002+00:00',
  )
})

describe('a request', () => {
  const root = '6f1c0c9e-3f0b-4a50-9d0e-0123456789ab'
  const inner = '6f1c0c9e-3f0b-4a50-9d0e-0123456789ac'
  beforeAll(async () => {
    await database.tracked('carts', 'create table carts (id int primary key, n int)')
    for (const [id, user, statement] of [
      [root, 1, 'insert into carts values (1, 1)'],
      [inner, 2, 'update carts set n = 2'],
      [inner, 1, 'update carts set n = 3'],
    ]) {
      const context = { v: 1, id, root, metadata: { user_id: user, request_id: 'r-1' } }
      await database.query(
        `begin; select set_config('auditrum.context', '${JSON.stringify(context)}', true); ${statement}; commit`,
      )
    }
  })

  test.for([
    [{ root }, 'insert', [null, 3]],
    [{ request: 'r-1' }, 'insert', [null, 3]],
    [{ context: inner }, 'update', [1, 3]],
  ] as const)('is summed up over its transactions: %o', async ([of, operation, [from, to]]) => {
    expect(await all(of)).toMatchObject([
      { operation, objectId: '1', changes: { n: { from, to } } },
    ])
  })

  test('names each of its actors once', async () => {
    expect((await all({ root }))[0]?.userIds).toEqual(['1', '2'])
  })

  test('that changed nothing has no changes; a transaction always has', async () => {
    expect(await all({ request: 'r-none' })).toEqual([])
    await expect(all({ transaction: '1' })).rejects.toMatchObject({
      code: 'AUDITRUM_USAGE',
      message: expect.stringContaining('no transaction 1'),
    })
  })

  test.for([
    [{}],
    [{ root: 'x' }],
    [{ transaction: 1 }],
    [{ transaction: '1', root }],
    [{ event: '1' }],
    [null],
  ])('is not named by %o', async ([of]) => {
    await expect(all(of as never)).rejects.toMatchObject({ code: 'AUDITRUM_USAGE' })
  })
})

test('rows without a key have no history to sum up: each change is one', async () => {
  await database.tracked('notes', 'create table notes (n int)')
  expect(
    (await changed('insert into notes values (1), (1); update notes set n = 2')).map(short),
  ).toEqual([
    { operation: 'insert', objectId: null, changes: { n: [null, 1] } },
    { operation: 'insert', objectId: null, changes: { n: [null, 1] } },
    { operation: 'update', objectId: null, changes: { n: [1, 2] } },
    { operation: 'update', objectId: null, changes: { n: [1, 2] } },
  ])
})

test('foreign keys say what they referred to', async () => {
  await database.tracked('makers', 'create table makers (id int primary key, name text)', {
    label: 'name',
  })
  await database.tracked(
    'goods',
    'create table goods (id int primary key, maker_id int references makers)',
  )
  await database.query(
    `insert into makers values (1, 'One'), (2, 'Two'); insert into goods values (1, 1)`,
  )
  expect(await changed('update goods set maker_id = 2')).toMatchObject([
    { changes: { maker_id: { from: 1, to: 2, fromLabel: 'One', toLabel: 'Two' } } },
  ])
  const { events } = await audit.page({ limit: 1 })
  const [plain] = await all({ transaction: String(events[0]?.transactionId) }, { labels: false })
  expect(plain?.changes.maker_id).toEqual({ from: 1, to: 2 })
})

test('large ones come in pages, or as a stream, each row once', async () => {
  await database.tracked('many', 'create table many (id int primary key, n int)')
  await database.query(`insert into many select n, n from generate_series(1, 10100) as n`)
  const { events } = await audit.page({ limit: 1 })
  const of = { transaction: String(events[0]?.transactionId) }
  const ids = (await all(of, { labels: false })).map(({ objectId }) => Number(objectId))
  expect(ids).toEqual(Array.from({ length: 10_100 }, (_, index) => index + 1))
  expect(await all(of, { limit: 3 })).toHaveLength(3)
  const streaming = new Auditrum({
    query: () => Promise.reject(new Error('asked for a page')),
    async *stream(text: string, values?: unknown[]) {
      yield* (await database.query(text, values)).rows
    },
  })
  let count = 0
  for await (const { objectId } of streaming.changes(of, { limit: 5 })) {
    expect(objectId).toBe(String(++count))
  }
  expect(count).toBe(5)
})

test('a reader of the log may ask, also in SQL', async () => {
  const role = await database.role()
  await database.query(`select auditrum.let_read('${role.name}')`)
  const reader = await role.client()
  await database.query('update carts set n = 9')
  const { events } = await audit.page({ limit: 1 })
  const { rows } = await reader.query(
    `select table_name, object_id, operation, changes from auditrum.changes(transaction => $1)`,
    [events[0]?.transactionId],
  )
  expect(rows).toEqual([
    {
      table_name: 'carts',
      object_id: '1',
      operation: 'update',
      changes: { n: { from: 3, to: 9 } },
    },
  ])
})

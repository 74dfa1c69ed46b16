import type pg from 'pg'
import { beforeAll, expect, test } from 'vitest'
import { type AuditedDatabase, auditedDatabase } from '../support.js'

let database: AuditedDatabase
let writer: pg.Client
beforeAll(async () => {
  database = await auditedDatabase()
  writer = await database.client()
})

/** Each with a write that the altered table takes. */
const changes = [
  [
    'add a column',
    'alter table thing add extra text',
    `update thing set extra = 'x', n = n + 1`,
    { extra: 'x' },
  ],
  [
    'add a column with a default',
    `alter table thing add extra text default 'd'`,
    'update thing set n = n + 1',
    { extra: 'd' },
  ],
  ['drop a column', 'alter table thing drop note', 'update thing set n = n + 1', { n: 2 }],
  [
    'rename a column',
    'alter table thing rename note to remark',
    `update thing set remark = 'r', n = n + 1`,
    { remark: 'r' },
  ],
  [
    'retype a column',
    'alter table thing alter n type text using n::text',
    `update thing set n = 'two'`,
    { n: 'two' },
  ],
  [
    'retype the key',
    'alter table thing alter id type text using id::text',
    'update thing set n = n + 1',
    { id: '1' },
  ],
  [
    'rename the key',
    'alter table thing rename id to key',
    'update thing set n = n + 1',
    { key: 1 },
  ],
  [
    'rename the table',
    'alter table thing rename to thing_',
    'update thing_ set n = n + 1',
    { n: 2 },
  ],
  [
    'move it to another schema',
    'create schema if not exists elsewhere; alter table thing set schema elsewhere',
    'update elsewhere.thing set n = n + 1',
    { n: 2 },
  ],
  [
    'swap columns',
    'alter table thing rename note to m; alter table thing rename n to note; alter table thing rename m to n',
    'update thing set note = note + 1',
    { note: 2 },
  ],
] as const

async function fresh() {
  await database.query(
    'drop table if exists thing, thing_; drop schema if exists elsewhere cascade',
  )
  await database.tracked(
    'thing',
    `create table thing (id integer primary key, note text, n integer)`,
  )
  // the writer's plans are cached for the table as it was
  for (let i = 0; i < 7; i++)
    await writer.query(`insert into thing values (1, 'a', 0) on conflict (id) do update set n = 1`)
  await writer.query(`update thing set note = 'b'`)
}

test.each(changes)(
  'after %s in another session, writes go on and are complete',
  async (_, alter, write, expected) => {
    await fresh()
    await database.query(alter)
    const event = await database.event(() => writer.query(write))
    expect(event).toMatchObject({
      operation: 'update',
      object_id: '1',
      new_data: expected,
      image: 'full',
    })
    expect(Object.keys(event.new_data ?? {}).length).toBeGreaterThan(1)
    expect(
      await database.recorded(() =>
        writer.query(write.replace(/^update (\S+) .*/, 'delete from $1')),
      ),
    ).toMatchObject([{ operation: 'delete', object_id: '1' }])
  },
)

test.each(changes)('within one transaction, too: %s', async (_, alter, write, expected) => {
  await fresh()
  const events = await database.recorded(() =>
    writer.query(`begin; update thing set note = 'before'; ${alter}; ${write}; commit`),
  )
  expect(events).toMatchObject([
    { operation: 'update', object_id: '1', new_data: { note: 'before' } },
    { operation: 'update', object_id: '1', new_data: expected },
  ])
})

test('a renamed key is followed, and said', async () => {
  await fresh()
  await database.query('alter table thing rename id to key')
  expect(await database.event(`insert into thing values (2, 'x', 1)`)).toMatchObject({
    object_id: '2',
    drift: ['id'],
  })
})

test('a composite key whose column was renamed is followed, too', async () => {
  await database.tracked('pairs', 'create table pairs (a integer, b integer, primary key (b, a))')
  await database.query('insert into pairs values (1, 2); alter table pairs rename a to c')
  expect(await database.event('update pairs set c = 3')).toMatchObject({
    object_id: '[2, 3]',
    old_object_id: '[2, 1]',
    drift: ['a'],
  })
})

test('what JSON cannot tell of a column that came since the last sync is an event, too', async () => {
  await database.tracked('plain', 'create table plain (id integer primary key, note text)')
  await database.query('insert into plain values (1); alter table plain add document jsonb')
  expect(await database.event(`update plain set document = 'null'`)).toMatchObject({
    lossy: true,
    diff: {},
  })
  expect(await database.recorded('update plain set note = note')).toEqual([])
})

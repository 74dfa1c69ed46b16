import { expect, test } from 'vitest'
import { Auditrum } from '../../src/index.js'
import { auditedDatabase } from '../support.js'

const database = await auditedDatabase()
const audit = new Auditrum(database)
const { query, tracked, track } = database

/** SQL whose changes are not recorded. */
async function unlogged(sql: string) {
  await query(`begin; set local session_replication_role = replica; ${sql}; commit`)
}

async function verified(table: string, limit?: number) {
  const { ok, tables } = await audit.verifyTables(table, { limit })
  const [found] = tables
  const problems = found?.problems.map(({ kind, id, columns, gap }) =>
    [kind, id, ...(columns ?? []), gap && 'in a gap'].filter(Boolean).join(' '),
  )
  return { ok, ...found, problems: problems?.toSorted() }
}

test('rows are named that were written while nothing was recorded', async () => {
  await tracked('orders', 'create table orders (id int primary key, status text, total numeric)')
  await query(`insert into orders select n, 'new', n from generate_series(1, 5) as n`)
  expect(await verified('orders')).toMatchObject({
    ok: true,
    rows: 5,
    verified: 5,
    complete: true,
    problems: [],
  })
  await unlogged(`
    update orders set total = 9.50, status = 'paid' where id = 1;
    update orders set status = 'new' where id = 2;
    delete from orders where id = 3;
    insert into orders values (6, 'new', 1)`)
  expect(await verified('orders')).toEqual({
    ok: false,
    table: 'public.orders',
    rows: 5,
    verified: 3,
    partial: 0,
    unknown: 0,
    complete: true,
    approximate: [],
    problems: ['unlogged_delete 3', 'unlogged_insert 6', 'unlogged_update 1 status total'],
    more: 0,
    unreadable: null,
  })
  expect(await verified('orders', 1)).toMatchObject({ ok: false, more: 2 })
  const { tables } = await audit.verifyTables('orders')
  const [last] = await database.events('orders')
  expect(tables[0]?.problems.find(({ id }) => id === '1')).toMatchObject({
    eventId: last?.id,
    after: expect.stringContaining(String(last?.changed_at.toISOString().slice(0, -1))),
  })
})

test('rows of before the recording are unknown until they are noted; then each unrecorded one is named', async () => {
  await query(
    'create table old_rows (id int primary key, a int); insert into old_rows values (1, 1), (2, 2)',
  )
  await track('old_rows')
  await unlogged('delete from old_rows where id = 2; insert into old_rows values (3, 3)')
  expect(await verified('old_rows')).toMatchObject({ ok: true, unknown: 2, complete: false })
  await query(`select auditrum.backfill('old_rows')`)
  expect(await verified('old_rows')).toMatchObject({ ok: true, verified: 2, complete: true })
  await unlogged('insert into old_rows values (4, 4)')
  expect(await verified('old_rows')).toMatchObject({ ok: false, problems: ['unlogged_insert 4'] })
})

test('what happened in a gap that the log knows is marked as such, and backfill settles it', async () => {
  await tracked('gapped', 'create table gapped (id int primary key, a int)')
  await query('insert into gapped values (1, 1), (2, 2), (3, 3)')
  await query('drop trigger "00_auditrum" on gapped')
  await query('update gapped set a = 9 where id = 1; delete from gapped where id = 2')
  await track('gapped')
  const problems = ['unlogged_delete 2 in a gap', 'unlogged_update 1 a in a gap']
  expect(await verified('gapped')).toMatchObject({ ok: false, problems })
  await query(`select auditrum.backfill('gapped')`)
  expect(await verified('gapped')).toMatchObject({ ok: true, verified: 2, complete: true })
})

test('columns that are not recorded, ignored, generated, added, renamed or retyped raise no alarm', async () => {
  await tracked(
    'shapes',
    `create table shapes (id int primary key, a int, b text, secret text, seen int, twice int generated always as (a * 2) stored, at timestamptz)`,
    { exclude: ['secret'], ignore: ['seen'] },
  )
  await query(
    `insert into shapes values (1, 1, 'b', 's', 0, default, now()), (2, 2, 'b', 's', 0, default, now())`,
  )
  await query(`update shapes set secret = 't', seen = 1`)
  expect(await verified('shapes')).toMatchObject({
    ok: true,
    verified: 2,
    approximate: ['secret', 'seen', 'twice'],
  })
  await query(`
    alter table shapes drop twice;
    alter table shapes add c int default 7;
    alter table shapes rename b to title;
    alter table shapes alter a type text using 'x' || a`)
  expect(await verified('shapes')).toMatchObject({ ok: true, verified: 2 })
  await track('shapes', { exclude: ['secret'], ignore: ['seen'] })
  await query(`insert into shapes (id, title) values (3, 'new')`)
  await unlogged(`update shapes set title = 'other'`)
  expect((await verified('shapes')).problems).toEqual(
    [1, 2, 3].map((id) => `unlogged_update ${id} title`),
  )
})

test('a session writes a new column in its own time zone before sync pins it, and that is no change', async () => {
  await tracked('zoned', 'create table zoned (id int primary key)')
  await query('alter table zoned add at timestamptz')
  await query(
    `begin; set local timezone = 'Asia/Tokyo'; insert into zoned values (1, now()); commit`,
  )
  expect(await verified('zoned')).toMatchObject({ ok: true, verified: 1 })
})

test('rows whose last event is many shapes of the table ago are compared by what is left of it', async () => {
  await tracked('ancient', 'create table ancient (id int primary key, a text, b text)')
  await query(`insert into ancient values (1, 'a', 'b'), (2, 'a', 'b')`)
  for (let number = 0; number < 12; number++) {
    await query(`alter table ancient add c${number} int default ${number}`)
    await track('ancient')
  }
  await query('alter table ancient rename a to renamed; alter table ancient drop b')
  await track('ancient')
  expect(await verified('ancient')).toMatchObject({ ok: true, verified: 2, complete: true })
  await unlogged(`update ancient set renamed = 'x' where id = 2`)
  expect((await verified('ancient')).problems).toEqual(['unlogged_update 2 renamed'])
})

test('a condition explains every difference', async () => {
  await tracked('filtered', 'create table filtered (id int primary key, active bool)', {
    when: 'NEW.active',
  })
  await query(
    'insert into filtered values (1, true), (2, true); update filtered set active = false where id = 1',
  )
  expect(await verified('filtered')).toMatchObject({
    ok: true,
    rows: 2,
    verified: 1,
    unknown: 1,
    complete: false,
  })
})

test('keys that move, composite and long ones, and deferred ones that are swapped', async () => {
  await tracked('pairs', 'create table pairs (a int, b text, c int, primary key (a, b))')
  await query(
    `insert into pairs values (1, 'x', 1), (1, repeat('long ', 600), 1); update pairs set a = 2 where b = 'x'`,
  )
  for (const image of ['full', 'changed'] as const) {
    const name = image === 'full' ? 'swapped' : 'swapped_parts'
    await tracked(name, `create table ${name} (id int primary key deferrable, a text)`, { image })
    await query(`insert into ${name} values (1, 'a'), (2, 'b'); update ${name} set id = 3 - id`)
    await query(`update ${name} set id = id + 1`)
  }
  expect(await verified('swapped_parts')).toMatchObject({ ok: true })
  for (const name of ['pairs', 'swapped']) {
    expect(await verified(name)).toMatchObject({ ok: true, verified: 2, problems: [] })
  }
  await unlogged('update pairs set c = 5; update swapped set a = null where id = 2')
  expect((await verified('pairs')).problems).toHaveLength(2)
  expect((await verified('swapped')).problems).toHaveLength(1)
})

test('keys that are arrays, alone and with others', async () => {
  await tracked('arrays', 'create table arrays (id int[] primary key, a int)')
  await tracked('mixed', 'create table mixed (id int[], n int, a int, primary key (n, id))')
  await query(
    `insert into arrays values ('{1,2}', 1), ('{}', 2); insert into mixed values ('{3}', 1, 1)`,
  )
  for (const name of ['arrays', 'mixed']) {
    expect(await verified(name)).toMatchObject({ ok: true, complete: true })
  }
  await unlogged(`update arrays set a = 5 where a = 1; update mixed set a = 5`)
  expect((await verified('arrays')).problems).toEqual(['unlogged_update [1, 2] a'])
  expect((await verified('mixed')).problems).toEqual(['unlogged_update [1, [3]] a'])
})

test('a row of which only the key was written down is known in part', async () => {
  await tracked('drifting', 'create table drifting (id int primary key, a int, secret text)', {
    exclude: ['secret'],
  })
  await query(
    `alter table drifting rename secret to hidden; insert into drifting values (1, 1, 's')`,
  )
  await unlogged('update drifting set a = 2')
  expect(await verified('drifting')).toMatchObject({ verified: 0, partial: 1, complete: false })
})

test('a table has the name that it has now', async () => {
  await tracked('before', 'create table before (id int primary key)')
  await query(
    'create schema elsewhere; alter table before set schema elsewhere; alter table elsewhere.before rename to "After"',
  )
  expect(await verified('elsewhere.After')).toMatchObject({ table: 'elsewhere."After"', ok: true })
})

test('partitions: a write to one without its trigger, and one that is truncated', async () => {
  await tracked(
    'parted',
    `create table parted (id int primary key, a int) partition by range (id);
     create table parted_1 partition of parted for values from (0) to (10);
     create table parted_2 partition of parted for values from (10) to (20)`,
  )
  await query('insert into parted values (1, 1), (2, 2), (11, 11), (12, 12)')
  await query(
    'alter table parted_1 disable trigger all; update parted_1 set a = 5 where id = 2; alter table parted_1 enable trigger all',
  )
  expect((await verified('parted')).problems).toEqual(['unlogged_update 2 a'])
  await query('truncate parted_2')
  expect(await verified('parted')).toMatchObject({
    rows: 2,
    complete: false,
    problems: ['unlogged_update 2 a'],
  })
})

test('children of inheritance are compared with their own columns', async () => {
  await tracked(
    'animals',
    'create table animals (id int primary key, name text); create table cats (lives int, primary key (id)) inherits (animals)',
  )
  await query(`insert into animals values (1, 'dog'); insert into cats values (2, 'cat', 9)`)
  expect(await verified('animals')).toMatchObject({ ok: true, rows: 2, verified: 2 })
  await unlogged('update cats set lives = 8')
  expect((await verified('animals')).problems).toEqual(['unlogged_update 2 lives'])
})

test('a table without a key is compared as a whole where it was empty at first', async () => {
  await tracked('notes', 'create table notes (a int, b text)')
  await query(
    `insert into notes values (1, 'x'), (1, 'x'), (2, 'y'); update notes set b = 'z' where a = 2; delete from notes where ctid = (select min(ctid) from notes)`,
  )
  expect(await verified('notes')).toMatchObject({ ok: true, rows: 2, verified: 2, complete: true })
  await unlogged(`insert into notes values (1, 'x'); delete from notes where a = 2`)
  expect(await verified('notes')).toMatchObject({
    rows: 2,
    verified: 1,
    problems: ['unlogged_delete', 'unlogged_insert'],
  })
  await query('create table loose (a int); insert into loose values (1)')
  await track('loose')
  expect(await verified('loose')).toMatchObject({ ok: true, unknown: 1, complete: false })
})

test('a truncation is known, and what is written behind it unrecorded', async () => {
  await tracked('emptied', 'create table emptied (id int primary key)')
  await query('insert into emptied values (1); truncate emptied; insert into emptied values (2)')
  await unlogged('insert into emptied values (3)')
  expect(await verified('emptied')).toMatchObject({ verified: 1, problems: ['unlogged_insert 3'] })
})

test('a reader may ask who may read the whole table, and is refused some of its rows', async () => {
  await tracked(
    'owned',
    'create table owned (id int primary key, owner text); insert into owned values (1, current_user)',
  )
  const reader = await database.role()
  await query(`select auditrum.let_read('${reader.name}')`)
  const pool = reader.pool()
  const reading = new Auditrum(pool)
  await expect(reading.verifyTables('owned')).rejects.toThrow(/owned.*GRANT SELECT ON owned/)
  await tracked('lent', 'create table lent (id int primary key)')
  await query(`grant select on lent to ${reader.name}`)
  expect(await reading.verifyTables(['owned', 'lent'])).toMatchObject({
    ok: false,
    tables: [
      { table: 'owned', unreadable: expect.stringContaining('permission denied for table owned') },
      { table: 'public.lent', unreadable: null },
    ],
  })
  await expect(reading.maintain()).rejects.toThrow(/let_maintain/)
  await query(`grant select on owned to ${reader.name}`)
  expect(await reading.verifyTables('owned')).toMatchObject({ ok: true })
  // whoever may read a partitioned table need not have a right on its partitions
  await tracked(
    'shared',
    'create table shared (id int primary key, a int) partition by range (id); create table shared_1 partition of shared default',
  )
  await query(`insert into shared values (1, 1); grant select on shared to ${reader.name}`)
  await unlogged('update shared set a = 2')
  expect((await reading.verifyTables('shared')).tables[0]?.problems).toMatchObject([{ id: '1' }])
  await query('alter table owned enable row level security')
  await expect(reading.verifyTables('owned')).rejects.toThrow(/row-level security/)
})

test('all recorded tables; in SQL; and what there is nothing to compare of is an error', async () => {
  const { tables } = await audit.verifyTables()
  expect(tables.map(({ table }) => table)).toContain('public.parted')
  expect(tables.map(({ table }) => table)).not.toContain('public.parted_1')
  const { rows } = await query(`select auditrum.verify_table('emptied') ->> 'rows' as rows`)
  expect(rows).toEqual([{ rows: '2' }])
  await expect(audit.verifyTables('nobody')).rejects.toMatchObject({ code: 'AUDITRUM_USAGE' })
  await expect(audit.verifyTables('emptied', { limit: -1 })).rejects.toMatchObject({
    code: 'AUDITRUM_USAGE',
  })
  await query('drop table emptied')
  await expect(audit.verifyTables('emptied')).rejects.toThrow('public.emptied is gone')
})

test('a key that is written in another way since is no false alarm', async () => {
  await tracked('priced', 'create table priced (id numeric(10, 2) primary key, a int)')
  await query(
    'insert into priced values (1, 1), (2, 1); alter table priced alter id type numeric(10, 4)',
  )
  expect(await verified('priced')).toMatchObject({ ok: true, unknown: 2, complete: false })
  await tracked('grown', 'create table grown (id int primary key, a int)')
  await query('insert into grown values (1, 1), (2, 1); alter table grown alter id type bigint')
  await unlogged('update grown set a = 2 where id = 2')
  expect(await verified('grown')).toMatchObject({ verified: 1, problems: ['unlogged_update 2 a'] })
})

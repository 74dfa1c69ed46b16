import { expect, test } from 'vitest'
import { undoing } from './support.js'

const on = undoing()

const truncated = async (name: string) => {
  const { database } = on
  return database.transaction(`truncate ${name} cascade`)
}

test('a truncation is undone where every row has an event', async () => {
  const { database } = on
  await database.query(`
    create table boxes (id int primary key, v numeric);
    create table labels (id int primary key, box int references boxes)`)
  for (const name of ['boxes', 'labels']) await database.track(name)
  await database.query(`
    insert into boxes values (1, 1.0), (2, 2), (3, 3); insert into labels values (1, 1), (2, null);
    update boxes set v = 2.50 where id = 2; delete from boxes where id = 3`)
  const state = () =>
    database.select(
      'select to_jsonb(b) as row from boxes b union all select to_jsonb(l) from labels l order by 1',
    )
  const before = await state()
  const transaction = await database.transaction(`
    update boxes set v = 7 where id = 1; truncate boxes cascade; insert into boxes values (2, 0)`)
  const undo = await database.recorded(() => database.audit.revert({ transaction }))
  expect(await state()).toEqual(before)
  await database.audit.revert({ transaction: String(undo[0]?.transaction_id) })
  expect(await state()).toEqual([{ row: { id: 2, v: 0 } }])
})

test('a truncation is refused where rows may have had none; force brings back what is known', async () => {
  const { database } = on
  await database.tracked(
    'older',
    `create table older (id int primary key, v int); insert into older values (1, 1)`,
  )
  await database.query('insert into older values (2, 2)')
  const transaction = await truncated('older')
  await expect(database.audit.revert({ transaction })).rejects.toMatchObject({
    code: 'AUDITRUM_CONFLICT',
    message: expect.stringContaining(
      'public.older: the table may have had rows of which no event tells',
    ),
  })
  await database.audit.revert({ transaction }, { onConflict: 'skip' })
  expect(await database.select('select * from older')).toEqual([])
  const { omitted } = await database.audit.revert({ transaction }, { onConflict: 'force' })
  expect(omitted).toMatchObject([{ why: 'doubt', objectId: null }])
  expect(await database.select('select * from older')).toEqual([{ id: 2, v: 2 }])

  // from a truncation on it is known again
  await database.query('truncate older; insert into older values (4, 4)')
  await database.audit.revert({ transaction: await truncated('older') })
  expect(await database.select('select * from older')).toEqual([{ id: 4, v: 4 }])

  // unless nothing was recorded meanwhile
  await database.query(`
    alter table older disable trigger "00_auditrum"; insert into older values (5, 5); alter table older enable trigger "00_auditrum";
    update auditrum.audit_table set tracked = tracked - tstzmultirange(tstzrange(now() - interval '1 ms', now())) where table_name = 'older'`)
  await expect(database.audit.revert({ transaction: await truncated('older') })).rejects.toThrow(
    /no event tells/,
  )
})

test('a row of a truncated table that events do not tell whole is refused, not restored in part', async () => {
  const { database } = on
  await database.tracked(
    'parts',
    `create table parts (id int primary key, a text, b text); insert into parts values (1, 'a', 'b'), (2, 'c', 'd')`,
    { image: 'changed' },
  )
  await database.query(`update parts set a = 'x' where id = 1`)
  await database.audit.backfill('parts')
  const transaction = await truncated('parts')
  await expect(database.audit.revert({ transaction })).rejects.toThrow(
    'public.parts 1: the log does not hold what it had in b',
  )
  await database.audit.revert({ transaction }, { onConflict: 'skip' })
  expect(await database.select('select * from parts')).toEqual([{ id: 2, a: 'c', b: 'd' }])
})

test('what was in a truncated partition is not known', async () => {
  const { database } = on
  await database.tracked(
    'logs',
    `create table logs (id int primary key) partition by range (id);
    create table logs_1 partition of logs for values from (0) to (10)`,
  )
  await database.query('insert into logs values (1)')
  const transaction = await database.transaction('truncate logs_1')
  await expect(database.audit.revert({ transaction })).rejects.toThrow(
    /it is not known which rows were in public.logs_1/,
  )
  // a partitioned table is undone like any other
  const insert = await database.event('insert into logs values (2)')
  await database.audit.revert({ event: insert.id })
  expect(await database.select('select * from logs')).toEqual([])
})

test.for([
  [
    'no key',
    'create table keyless (id int); insert into keyless values (1)',
    'keyless',
    '',
    /it has no|has no primary key/,
  ],
  [
    'dropped',
    'create table lost (id int primary key); insert into lost values (1)',
    'lost',
    'drop table lost',
    /not there any more/,
  ],
  [
    'untracked',
    'create table left_out (id int primary key); insert into left_out values (1)',
    'left_out',
    `select auditrum.untrack('left_out')`,
    /not being recorded/,
  ],
  [
    'disabled',
    'create table off (id int primary key); insert into off values (1)',
    'off',
    'alter table off disable trigger all',
    /not being recorded/,
  ],
  [
    'another key',
    'create table rekeyed (id int primary key, k int); insert into rekeyed values (1)',
    'rekeyed',
    'alter table rekeyed drop id cascade; alter table rekeyed add id uuid primary key',
    /another primary key|must have a value|none of/,
  ],
] as const)('%s: refused, and said', async ([, sql, name, since, message]) => {
  const { database } = on
  await database.tracked(name, sql)
  const transaction = await database.transaction(`delete from ${name}`)
  if (since !== '') await database.query(since)
  await expect(database.audit.revert({ transaction })).rejects.toMatchObject({
    code: 'AUDITRUM_CONFLICT',
    message: expect.stringMatching(message),
  })
  const { omitted } = await database.audit.revert({ transaction }, { onConflict: 'skip' })
  expect(omitted.map(({ why }) => why)).toContain('refused')
})

test('an event that holds the key alone cannot be inserted again', async () => {
  const { database } = on
  await database.tracked(
    'drifted',
    `create table drifted (id int primary key, a int, secret text); insert into drifted values (1, 1, 'x'), (2, 2, 'y')`,
    { exclude: ['secret'] },
  )
  await database.query('alter table drifted rename secret to hidden')
  const update = await database.event('update drifted set a = 5 where id = 1')
  const removal = await database.event('delete from drifted where id = 2')
  const { steps, omitted } = await database.audit.revert({ event: update.id })
  expect(steps).toMatchObject([{ outcome: 'unchanged' }])
  expect(omitted).toMatchObject([{ why: 'drift', columns: ['a'] }])
  await expect(database.audit.revert({ event: removal.id })).rejects.toThrow(/nothing but the key/)
})

import { expect, test } from 'vitest'
import type { ConflictError } from '../../src/index.js'
import { undoing } from './support.js'

const on = undoing()

const refusal = async (undone: Promise<unknown>): Promise<ConflictError> => {
  const error: ConflictError = await undone.then(
    () => expect.fail('It was not refused.'),
    (reason) => reason,
  )
  expect(error.code).toBe('AUDITRUM_CONFLICT')
  return error
}

test('a column that was changed since is shown side by side, with who did it', async () => {
  const { database } = on
  await database.tracked(
    'bills',
    `create table bills (id bigint primary key, total numeric(10,2), note text);
    insert into bills values (9007199254740993, 1.10, 'a'), (2, 2, 'b'), (3, 3, 'c')`,
  )
  const transaction = await database.transaction(
    `update bills set total = total + 10, note = upper(note)`,
  )
  const later = await database.event(`
    begin; select set_config('auditrum.context', '{"user_id": 7, "change_reason": "Refund"}', true);
    update bills set total = 0.50 where id = 9007199254740993; commit`)
  await database.query('delete from bills where id = 3')

  const error = await refusal(database.audit.revert({ transaction }))
  expect(error.message).toMatch(
    /Nothing was undone: public\.bills 3 is not there any more, by event \d+; public\.bills 9007199254740993: total is "0.50", not "11.10", by event \d+ of 7\. .*'skip'/,
  )
  expect(error.conflicts).toMatchObject([
    { objectId: '3', column: null, present: null, wanted: { total: '3.00', note: 'c' } },
    {
      objectId: '9007199254740993',
      column: 'total',
      expected: '11.10',
      present: '0.50',
      wanted: '1.10',
      referrer: null,
      changedBy: { eventId: later.id, userId: '7', changeReason: 'Refund' },
    },
  ])

  const skipped = await database.audit.revert({ transaction }, { onConflict: 'skip' })
  expect(skipped.steps.map(({ objectId, outcome }) => [objectId, outcome])).toEqual([
    ['3', 'skipped'],
    ['2', 'done'],
    ['9007199254740993', 'skipped'],
  ])
  // a row with a conflict is left as it is, as a whole
  expect(await database.select('select * from bills order by id')).toEqual([
    { id: '2', total: '2.00', note: 'b' },
    { id: '9007199254740993', total: '0.50', note: 'A' },
  ])

  const forced = await database.audit.revert({ transaction }, { onConflict: 'force' })
  expect(forced.steps.map(({ objectId, outcome }) => [objectId, outcome])).toEqual([
    ['3', 'skipped'],
    ['2', 'unchanged'],
    ['9007199254740993', 'forced'],
  ])
  expect(await database.select('select * from bills where id > 2')).toEqual([
    { id: '9007199254740993', total: '1.10', note: 'a' },
  ])
})

test('a row that was inserted and changed since, and one that is there again', async () => {
  const { database } = on
  await database.tracked(
    'goods',
    `create table goods (id int primary key, v int); insert into goods values (1, 1), (3, 3)`,
  )
  const transaction = await database.transaction(
    'insert into goods values (2, 2); delete from goods where id = 1; delete from goods where id = 3',
  )
  await database.query(
    'update goods set v = 20 where id = 2; insert into goods values (1, 10), (3, 3)',
  )
  const { conflicts } = await refusal(database.audit.revert({ transaction }))
  expect(conflicts).toMatchObject([
    {
      objectId: '1',
      column: null,
      expected: null,
      present: { id: 1, v: 10 },
      wanted: { id: 1, v: 1 },
    },
    { objectId: '2', column: 'v', expected: 2, present: 20, wanted: null },
  ])
  const { steps } = await database.audit.revert({ transaction }, { onConflict: 'force' })
  expect(steps.map(({ objectId, operation, outcome }) => [objectId, operation, outcome])).toEqual([
    ['3', 'insert', 'unchanged'],
    ['1', 'update', 'forced'],
    ['2', 'delete', 'forced'],
  ])
  expect(await database.select('select * from goods order by id')).toEqual([
    { id: 1, v: 1 },
    { id: 3, v: 3 },
  ])
})

test('what others changed between two transactions of one root is a conflict', async () => {
  const { database } = on
  await database.tracked(
    'shared',
    `create table shared (id int primary key, a int, b int); insert into shared values (1, 1, 1)`,
  )
  const root = crypto.randomUUID()
  const write = (text: string) => {
    const context = JSON.stringify({ v: 1, id: crypto.randomUUID(), root, metadata: {} })
    return database.query(
      `begin; select set_config('auditrum.context', '${context}', true); ${text}; commit`,
    )
  }
  await write('update shared set a = 2, b = 2')
  const between = await database.event('update shared set a = 3')
  await write('update shared set a = 4, b = 4')
  const { conflicts } = await refusal(database.audit.revert({ root }))
  expect(conflicts).toMatchObject([
    { column: 'a', expected: 2, present: 3, wanted: 1, changedBy: { eventId: between.id } },
  ])
})

test('what is already as it was is no conflict', async () => {
  const { database } = on
  await database.tracked(
    'settled',
    `create table settled (id int primary key, v int); insert into settled values (1, 1), (2, 2)`,
  )
  const insert = await database.event('insert into settled values (3, 3)')
  const update = await database.event('update settled set v = 5 where id = 1')
  const back = await database.transaction(
    'update settled set v = 7 where id = 2; update settled set v = 2 where id = 2',
  )
  await database.query('update settled set v = 1 where id = 1; delete from settled where id > 1')
  for (const target of [{ event: insert.id }, { event: update.id }, { transaction: back }]) {
    const { steps, conflicts } = await database.audit.revert(target)
    expect(steps.map(({ outcome }) => outcome)).toEqual(['unchanged'])
    expect(conflicts).toEqual([])
  }
})

test('who waits for the row sees what was committed meanwhile', async () => {
  const { database } = on
  await database.tracked(
    'busy',
    `create table busy (id int primary key, v int, w int); insert into busy values (1, 1, 1), (2, 1, 1)`,
  )
  const event = await database.event('update busy set v = 2 where id = 1')
  const other = await database.event('update busy set v = 2 where id = 2')
  const writer = await database.client()
  const reverting = await database.client()
  const { pid } = (await reverting.query('select pg_backend_pid() as pid')).rows[0]
  const waits = async () => {
    for (;;) {
      const [row] = await database.select(
        `select wait_event_type = 'Lock' as waits from pg_stat_activity where pid = ${pid}`,
      )
      if (row?.waits) return
    }
  }
  await writer.query('begin; update busy set v = 3 where id = 1')
  const undone = database.audit.on(reverting).revert({ event: event.id })
  const refused = refusal(undone)
  await waits()
  await writer.query('commit')
  expect((await refused).conflicts).toMatchObject([{ column: 'v', expected: 2, present: 3 }])

  // a change of what is not restored is kept, and no conflict
  await writer.query('begin; update busy set w = 5 where id = 2')
  const kept = database.audit.on(reverting).revert({ event: other.id })
  await waits()
  await writer.query('commit')
  await kept
  expect(await database.select('select * from busy order by id')).toEqual([
    { id: 1, v: 3, w: 1 },
    { id: 2, v: 1, w: 5 },
  ])
})

test('columns may have any name, those of the undo itself included', async () => {
  const { database } = on
  await database.tracked(
    'named',
    `create table named (id int primary key, live jsonb, past jsonb, v int);
    insert into named values (1, '{}', '{}', 10)`,
  )
  await database.audit.backfill('named')
  const update = await database.event('update named set v = 20')
  await database.query(
    `update named set v = 99, live = '{"id": 1, "v": 20, "live": {}}', past = '{"id": 1, "v": 20}'`,
  )
  const { conflicts } = await refusal(database.audit.revert({ event: update.id }))
  expect(conflicts).toMatchObject([{ column: 'v', expected: 20, present: 99 }])

  await database.query('alter table named alter live type text, alter past type text')
  await database.track('named')
  const second = await database.event(`update named set v = 30, live = 'a'`)
  await database.audit.revert({ event: second.id })
  await database.query(`update named set v = 30, live = 'a'`)
  const truncation = await database.event('truncate named')
  await database.audit.revert({ event: truncation.id })
  expect(await database.select('select * from named')).toEqual([
    { id: 1, v: 30, live: 'a', past: '{"v": 20, "id": 1}' },
  ])
})

test('a row of a table that inherits is never taken for one of the other', async () => {
  const { database } = on
  await database.tracked(
    'parents',
    `create table parents (id int primary key, x text); create table heirs () inherits (parents)`,
  )
  const event = await database.event(`insert into parents values (1, 'p')`)
  await database.query(`insert into heirs values (1, 'p')`)
  const { message } = await refusal(database.audit.revert({ event: event.id }))
  expect(message).toContain('parents 1: several rows have this key')
  for (const onConflict of ['skip', 'force'] as const) {
    const { steps } = await database.audit.revert({ event: event.id }, { onConflict })
    expect(steps).toMatchObject([{ outcome: 'skipped' }])
  }
  expect(await database.select('select * from parents')).toHaveLength(2)
  await database.query('delete from heirs')
  await database.audit.revert({ event: event.id })
  expect(await database.select('select * from parents')).toEqual([])
})

test('in psql a refusal says what is in the way, and no event where there is none', async () => {
  const { database } = on
  await database.query(`
    create table places (id int primary key); create table guests (id int primary key, place int references places)`)
  await database.track('places')
  const event = await database.event('insert into places values (1)')
  await database.query('insert into guests values (1, 1)')
  await expect(
    database.query('select * from auditrum.revert(event => $1)', [event.id]),
  ).rejects.toThrow(
    /^Nothing was undone: public\.places 1 is referred to by public\.guests \(place\)\.$/,
  )
})

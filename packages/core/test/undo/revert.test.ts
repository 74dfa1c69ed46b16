import { expect, test } from 'vitest'
import { withChangeReason, withContext } from '../../src/index.js'
import { undoing } from './support.js'

const on = undoing()

test('an update gives back the columns that it changed, and no others', async () => {
  const { database } = on
  await database.tracked(
    'orders',
    `create table orders (id int primary key, status text, total numeric(10,2), note text);
    insert into orders values (1, 'new', 1.10, 'a')`,
  )
  const event = await database.event(`update orders set total = 5 where id = 1`)
  await database.query(`update orders set note = 'b' where id = 1`)

  const reversal = await database.audit.revert({ event: event.id })
  expect(await database.select('select * from orders')).toEqual([
    { id: 1, status: 'new', total: '1.10', note: 'b' },
  ])
  expect(reversal).toMatchObject({ dryRun: false, conflicts: [], omitted: [] })
  expect(reversal.steps).toEqual([
    {
      eventId: event.id,
      operation: 'update',
      schema: 'public',
      table: 'orders',
      objectId: '1',
      columns: ['total'],
      outcome: 'done',
      sql: expect.stringContaining("SET total = '1.10'::numeric(10,2)"),
    },
  ])
})

test('an insert is deleted, a delete is inserted, and the undo can be undone', async () => {
  const { database } = on
  await database.tracked(
    'notes',
    `create table notes (id int generated always as identity primary key, text text, length int generated always as (length(text)) stored);
    insert into notes (text) values ('one'), ('two')`,
  )
  const before = await database.select('select * from notes order by id')
  const transaction = await database.transaction(
    `delete from notes; insert into notes (text) values ('three')`,
  )
  const after = await database.select('select * from notes order by id')
  const undo = await database.recorded(() => database.audit.revert({ transaction }))
  expect(await database.select('select * from notes order by id')).toEqual(before)
  expect(undo.map(({ operation }) => operation).sort()).toEqual(['delete', 'insert', 'insert'])

  await database.audit.revert({ transaction: String(undo[0]?.transaction_id) })
  expect(await database.select('select * from notes order by id')).toEqual(after)
})

test('several changes of a row are one, under the key that it had', async () => {
  const { database } = on
  await database.tracked(
    'steps',
    `create table steps (id int primary key, a int, b int); insert into steps values (1, 1, 1), (2, 2, 2)`,
  )
  const before = await database.select('select * from steps order by id')
  const transaction = await database.transaction(`
    update steps set a = 10 where id = 1;
    update steps set id = 3 where id = 1;
    update steps set id = 1 where id = 2;
    update steps set a = 11, b = 7 where id = 3;
    delete from steps where id = 3;
    insert into steps values (4, 4, 4);
    update steps set a = 5 where id = 4;
    delete from steps where id = 4`)
  const { steps } = await database.audit.revert({ transaction })
  expect(await database.select('select * from steps order by id')).toEqual(before)
  expect(steps.map(({ operation, objectId }) => [operation, objectId])).toEqual([
    ['insert', '1'],
    ['update', '1'],
  ])
})

test('the undo is recorded with its reason, inside the one around it', async () => {
  const { database } = on
  await database.tracked('reasons', 'create table reasons (id int primary key)')
  const reasonOf = async (act: () => Promise<unknown>) =>
    (await database.event(act)).metadata?.change_reason
  const first = await database.event('insert into reasons values (1)')
  expect(await reasonOf(() => database.audit.revert({ event: first.id }))).toBe(
    `revert of event ${first.id}`,
  )
  // a driver that carries no context: what the application has set is kept
  const client = await database.client()
  const { transaction_id: transaction } = await database.event('insert into reasons values (2)')
  const given = { v: 1, id: crypto.randomUUID(), root: crypto.randomUUID() }
  const undo = await database.event(async () => {
    await client.query('begin')
    const context = { ...given, metadata: { user_id: 7, change_reason: 'Ticket 881' } }
    await client.query(`select set_config('auditrum.context', $1, true)`, [JSON.stringify(context)])
    await database.audit.on(client).revert({ transaction: String(transaction) })
    const { rows } = await client.query(`select current_setting('auditrum.context') as context`)
    expect(JSON.parse(rows[0].context)).toEqual(context)
    await client.query('commit')
  })
  expect(undo).toMatchObject({
    user_id: '7',
    root_uuid: given.root,
    change_reason: `Ticket 881 -> revert of transaction ${transaction}`,
  })
  expect(undo.context_uuid).not.toBe(given.id)
  // nothing is left behind for what the transaction does next
  const { rows } = await database.query(
    `select current_setting('auditrum.context', true) as context`,
  )
  expect(rows[0]?.context ?? '').toBe('')
})

test('in a transaction of the caller it is undone with it', async () => {
  const { database } = on
  await database.tracked('kept', 'create table kept (id int primary key)')
  const event = await database.event('insert into kept values (1)')
  const client = await database.client()
  await client.query('begin')
  await database.audit.on(client).revert({ event: event.id })
  expect((await client.query('select * from kept')).rows).toEqual([])
  await client.query('rollback')
  expect(await database.select('select * from kept')).toEqual([{ id: 1 }])
})

test('a root is everything that it did; a request names it where only one has the id', async () => {
  const { database } = on
  await database.tracked('jobs', 'create table jobs (id int primary key, v int)')
  const write = async (root: string, request: string, text: string) => {
    const client = await database.client()
    const metadata = { request_id: request }
    const context = JSON.stringify({ v: 1, id: crypto.randomUUID(), root, metadata })
    await client.query('begin')
    await client.query(`select set_config('auditrum.context', $1, true)`, [context])
    await client.query(text)
    await client.query('commit')
  }
  const [root, other] = [crypto.randomUUID(), crypto.randomUUID()]
  await write(root, 'abc', 'insert into jobs values (1, 1)')
  await write(root, 'abc', 'update jobs set v = 2 where id = 1; insert into jobs values (2, 2)')
  const undo = await database.recorded(() => database.audit.revert({ request: 'abc' }))
  expect(await database.select('select * from jobs')).toEqual([])
  expect(undo[0]?.change_reason).toBe('revert of request abc')

  await write(other, 'abc', 'insert into jobs values (3, 3)')
  const refused = await database.audit.revert({ request: 'abc' }).catch((error) => error)
  expect(refused).toMatchObject({ code: 'AUDITRUM_CONFLICT' })
  expect(refused.message).toContain(root)
  expect(refused.message).toContain(other)
  await database.audit.revert({ root: other })
  expect(await database.select('select * from jobs')).toEqual([])
})

test('a dry run writes nothing, and its script does what the undo would', async () => {
  const { database } = on
  await database.tracked(
    'scripted',
    `create table scripted (id int primary key, "a ""b%" text, pause interval, price money, data bytea, at timestamptz);
    insert into scripted values (1, E'it''s \\\\ 100%', '1 day -02:03:04', 12.34, '\\x00ff', '2026-11-01 12:00:00.123456+01'), (2, null, null, null, null, null)`,
  )
  const before = await database.select('select * from scripted order by id')
  const transaction = await database.transaction(`
    update scripted set "a ""b%" = 'x', pause = '1 hour', price = 1, data = '', at = now() where id = 1;
    delete from scripted where id = 2; insert into scripted values (3)`)
  const after = await database.select('select * from scripted order by id')
  const { sql, steps } = await database.audit.revert({ transaction }, { dryRun: true })
  expect(steps.map(({ outcome }) => outcome)).toEqual(['planned', 'planned', 'planned'])
  expect(await database.select('select * from scripted order by id')).toEqual(after)

  const client = await database.client()
  await client.query(
    `set search_path = ''; set datestyle = 'SQL, DMY'; set intervalstyle = 'sql_standard'`,
  )
  const undo = await database.recorded(() => client.query(sql))
  expect(await database.select('select * from scripted order by id')).toEqual(before)
  expect(undo.map(({ change_reason }) => change_reason)).toEqual(
    Array(3).fill(`revert of transaction ${transaction}`),
  )
  const again = await database.audit.revert({ transaction }, { dryRun: true })
  expect(again.steps.map(({ outcome }) => outcome)).toEqual(['unchanged', 'unchanged', 'unchanged'])
  expect(again.sql).toBe('')
})

test('in psql it is one SELECT', async () => {
  const { database } = on
  await database.tracked(
    'asked',
    `create table asked (id int primary key, v int); insert into asked values (1, 1)`,
  )
  const event = await database.event('update asked set v = 2')
  const text =
    'select part, table_name, object_id, operation, outcome, columns from auditrum.revert'
  const line = {
    part: 'step',
    table_name: 'public.asked',
    object_id: '1',
    operation: 'update',
    columns: 'v',
  }
  expect(await database.select(`${text}(event => ${event.id}, dry_run => true)`)).toEqual([
    { ...line, outcome: 'planned' },
  ])
  await database.query('update asked set v = 3')
  await expect(database.query(`${text}(${event.id})`)).rejects.toMatchObject({
    code: 'AU004',
    message: expect.stringMatching(
      /Nothing was undone: public.asked 1: v is 3, not 2, changed by event \d+/,
    ),
  })
  await database.query(`${text}(${event.id}, on_conflict => 'force')`)
  expect(await database.select('select * from asked')).toEqual([{ id: 1, v: 1 }])
})

test.for([
  [{}, /Give one of \{ event: id \}/],
  [{ event: 'x' }, /was given \{"event":"x"\}/],
  [{ event: 1, transaction: 2 }, /Give one of/],
  [{ root: 'abc' }, /with an id as events carry it/],
  [{ event: 4_711_000 }, /The log has no event 4711000/],
  [{ transaction: '1' }, /The log has no transaction 1/],
  [{ root: '00000000-0000-0000-0000-000000000000' }, /The log has no root/],
  [{ request: "none'" }, /The log has no request "none'"/],
] as const)('%j names nothing', async ([target, message]) => {
  await expect(on.database.audit.revert(target as never)).rejects.toMatchObject({
    code: 'AUDITRUM_USAGE',
    message: expect.stringMatching(message),
  })
})

test('options that it does not know are refused', async () => {
  const { audit } = on.database
  await expect(audit.revert({ event: 1 }, { dryrun: true } as never)).rejects.toThrow(
    /Did you mean "dryRun"/,
  )
  await expect(audit.revert({ event: 1 }, { onConflict: 'win' } as never)).rejects.toThrow(
    /'fail', 'skip' or 'force'/,
  )
})

test('a context of the application is kept whatever carries it', async () => {
  const { database } = on
  // without an adapter nothing of it is sent, and nothing fails
  const event = await database.event('insert into reasons values (9)')
  const undo = await database.event(() =>
    withContext({ user_id: 7 }, () =>
      withChangeReason('Ticket', () => database.audit.revert({ event: event.id })),
    ),
  )
  expect(undo.change_reason).toBe(`revert of event ${event.id}`)
})

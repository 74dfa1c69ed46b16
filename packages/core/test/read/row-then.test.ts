import { expect, test } from 'vitest'
import { Auditrum, type Queryable, track } from '../../src/index.js'
import { auditedDatabase } from '../support.js'

const ROWS = `create table orders (id int primary key, status text, total numeric(9, 2));
  insert into orders values (1, 'new', 1.50), (2, 'new', 2.50), (3, 'new', 3)`

/** Asks of each row at some moments; `learnt` has asked of the table before, a new audit has not. */
async function answers(audit: Auditrum, moments: readonly string[]) {
  const rows: unknown[] = []
  for (const at of moments)
    for (const id of [1, 2, 3, 4])
      rows.push(await audit.rowAsOf('orders', id, at, { details: true }).catch(String))
  return rows
}

test('a second row of a table takes one statement', async () => {
  const database = await auditedDatabase()
  await database.tracked('orders', ROWS)
  let statements = 0
  const counting: Queryable = {
    query: (text, values) => {
      statements++
      return database.query(text, values as unknown[])
    },
  }
  const audit = new Auditrum(counting)
  const now = new Date()
  expect(await audit.rowAsOf('orders', 1, now)).toMatchObject({ status: 'new', total: '1.50' })
  statements = 0
  expect(await audit.rowAsOf('orders', 2, now)).toMatchObject({ status: 'new', total: '2.50' })
  expect(await audit.on(counting).rowAsOf('orders', 4, now)).toBeNull()
  await database.query(`update orders set status = 'paid'`)
  expect(await audit.rowAsOf('orders', 3, now)).toMatchObject({ status: 'new' })
  expect(statements).toBe(3)
})

test('a row is found by a key of an array and a number with a fraction', async () => {
  const database = await auditedDatabase()
  await database.tracked(
    'spots',
    `create table spots (id int, tags text[], ratio double precision, note text, primary key (id, tags, ratio));
     insert into spots values (1, '{a,"b c"}', 1.5, 'old')`,
  )
  await database.tracked('tagged', 'create table tagged (tags text[] primary key, note text)')
  const audit = new Auditrum(database)
  const before = new Date()
  await database.query(`
    update spots set note = 'new';
    insert into tagged values ('{a,b}', 'inserted')`)
  const id = [1, ['a', 'b c'], 1.5]
  for (const each of [id, { id: 1, tags: ['a', 'b c'], ratio: '1.5' }, JSON.stringify(id)]) {
    expect(await audit.rowAsOf('spots', each as never, before)).toMatchObject({ note: 'old' })
    expect(await audit.rowAsOf('spots', each as never, new Date())).toMatchObject({ note: 'new' })
  }
  const { events } = await audit.page({ table: 'tagged' })
  for (const each of [[['a', 'b']], { tags: ['a', 'b'] }, events[0]?.objectId])
    expect((await audit.page({ table: 'tagged', id: each as never })).events).toHaveLength(1)
  await expect(audit.rowAsOf('spots', [1, '{a,b}', 1.5], before)).rejects.toThrow(
    '"{a,b}" is no text[]. The key of public.spots is (id, tags, ratio). Give tags as a JSON array.',
  )
})

const changes: Readonly<Record<string, string>> = {
  nothing: 'select',
  'events of all kinds': `update orders set status = 'paid' where id = 1; delete from orders where id = 2; insert into orders values (4, 'new', 4)`,
  'a key that moves': 'update orders set id = 4 where id = 3',
  'a renamed column': 'alter table orders rename status to state',
  'a renamed column, and a change': `alter table orders rename status to state; update orders set state = 'paid' where id = 1`,
  'columns that change places':
    'alter table orders rename status to x; alter table orders add status int default 7; update orders set status = 8 where id = 1',
  'a new column': `alter table orders add note text default 'none'; update orders set note = 'x' where id = 2`,
  'a dropped column': 'alter table orders drop status; update orders set total = 9 where id = 1',
  'another type': `alter table orders alter total type text; update orders set total = 'much' where id = 1`,
  'another precision': 'alter table orders alter total type numeric(12, 4)',
  'another key':
    'alter table orders drop constraint orders_pkey, add primary key (id, total); select auditrum.maintain()',
  'another table of that name': `alter table orders rename to old_orders; create table orders (id int primary key, status text, total numeric(9, 2)); insert into orders values (1, 'other', 0)`,
  'another schema':
    'create schema shop; alter table orders set schema shop; set search_path = shop, public',
  'the end of its recording': `select auditrum.untrack('orders')`,
  truncation: 'truncate orders',
  'a table that is gone': 'drop table orders',
  'a purge of its events': `select auditrum.purge_step(auditrum.purge_start('1 microsecond', auditrum.table_id(null, '{orders}'), false), true, '2 seconds')`,
  'a partition that is gone': `do $$ declare name text; begin
    select inhrelid::regclass into name from pg_inherits join pg_class on pg_class.oid = inhrelid
    where inhparent = 'auditrum.audit_event'::regclass order by relname limit 1;
    execute 'drop table ' || name; end $$`,
}

test('what was learnt of a table does not outlive a change of it', async () => {
  const database = await auditedDatabase()
  await database.tracked('orders', ROWS)
  const client = await database.client()
  const clock = async () =>
    (await client.query('select clock_timestamp()::text as time')).rows[0].time as string
  const start = await clock()
  const learnt = new Auditrum(client)
  for (const [change, statement] of Object.entries(changes)) {
    await answers(learnt, [start])
    await client.query('begin')
    await client.query(statement)
    const moments = [start, await clock()]
    // the second time what is known has been learnt anew
    for (const time of ['first', 'second'])
      expect(await answers(learnt, moments), `${change}, ${time} time`).toEqual(
        await answers(new Auditrum(client), moments),
      )
    await client.query('rollback')
  }
})

test('what was learnt of a table does not outlive its declaration', async () => {
  const database = await auditedDatabase()
  await database.tracked('orders', ROWS)
  const learnt = new Auditrum(database)
  const before = new Date()
  await answers(learnt, [before.toISOString()])
  for (const options of [{ exclude: ['status'] }, { ignore: ['total'] }, { when: 'NEW.id > 1' }]) {
    await new Auditrum(database, { tables: [track('orders', options)] }).sync()
    await database.query('update orders set status = status || 1, total = total + 1')
    const moments = [before.toISOString(), new Date().toISOString()]
    expect(await answers(learnt, moments)).toEqual(await answers(new Auditrum(database), moments))
  }
})

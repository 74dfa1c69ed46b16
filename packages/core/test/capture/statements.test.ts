import { testServer } from '@auditrum/testkit/vitest'
import { beforeEach, describe, expect, test } from 'vitest'
import { auditedDatabase } from '../support.js'
import { copyIn } from './copy.js'

const database = await auditedDatabase()
const { query, tracked, recorded, event } = database

describe('every statement that changes rows is recorded', () => {
  beforeEach(async () => {
    await query('drop table if exists orders cascade')
    await tracked(
      'orders',
      `create table orders (id integer primary key, status text, total numeric(10, 2));
       insert into orders values (1, 'open', 10), (2, 'open', 20)`,
    )
  })

  test('INSERT gives the row as it is now', async () => {
    expect(await event("insert into orders values (3, 'open', 9.90)")).toMatchObject({
      operation: 'insert',
      schema_name: 'public',
      table_name: 'orders',
      object_id: '3',
      old_object_id: null,
      old_data: null,
      new_data: { id: 3, status: 'open', total: 9.9 },
      diff: {
        id: { old: null, new: 3 },
        status: { old: null, new: 'open' },
        total: { old: null, new: 9.9 },
      },
      masked: null,
      meta: null,
      drift: null,
      image: 'full',
      lossy: false,
      db_user: 'postgres',
    })
  })

  test('UPDATE gives the row before and after, and what differs', async () => {
    expect(await event("update orders set status = 'paid' where id = 1")).toMatchObject({
      operation: 'update',
      object_id: '1',
      old_object_id: null,
      old_data: { id: 1, status: 'open', total: 10 },
      new_data: { id: 1, status: 'paid', total: 10 },
      diff: { status: { old: 'open', new: 'paid' } },
      lossy: false,
    })
  })

  test('the diff of an UPDATE holds the changed columns only', async () => {
    const { diff } = await event('update orders set status = status, total = null where id = 1')
    expect(diff).toEqual({ total: { old: 10, new: null } })
  })

  test('DELETE gives the row as it was', async () => {
    expect(await event('delete from orders where id = 1')).toMatchObject({
      operation: 'delete',
      object_id: '1',
      old_data: { id: 1, status: 'open', total: 10 },
      new_data: null,
      diff: { status: { old: 'open', new: null } },
    })
  })

  test('a statement on many rows is an event for each of them', async () => {
    const events = await recorded("update orders set status = 'paid'")
    expect(events.map(({ object_id }) => object_id)).toEqual(['1', '2'])
    expect(new Set(events.map(({ context_id }) => context_id)).size).toBe(1)
  })

  test('COPY FROM STDIN is an INSERT of every line', async () => {
    const client = await database.client()
    const events = await recorded(() =>
      copyIn(client, 'copy orders from stdin', '7\topen\t1.50\n8\t\\N\t2\n'),
    )
    expect(events).toMatchObject([
      { operation: 'insert', object_id: '7', new_data: { id: 7, status: 'open', total: 1.5 } },
      { operation: 'insert', object_id: '8', new_data: { id: 8, status: null, total: 2 } },
    ])
  })

  test('INSERT … ON CONFLICT DO UPDATE is an INSERT or an UPDATE', async () => {
    const events = await recorded(
      `insert into orders values (1, 'new', 1), (3, 'new', 3)
       on conflict (id) do update set status = excluded.status`,
    )
    expect(events).toMatchObject([
      { operation: 'update', object_id: '1', diff: { status: { old: 'open', new: 'new' } } },
      { operation: 'insert', object_id: '3' },
    ])
  })

  test('INSERT … ON CONFLICT DO NOTHING is an event only for the rows that came in', async () => {
    const events = await recorded(
      "insert into orders values (1, 'new', 1), (3, 'new', 3) on conflict do nothing",
    )
    expect(events).toMatchObject([{ operation: 'insert', object_id: '3' }])
  })

  test('writes inside a CTE are recorded', async () => {
    const events = await recorded(
      `with gone as (delete from orders where id = 1 returning *),
            moved as (insert into orders select id + 10, status, total from gone returning id)
       update orders set status = 'last' where id = 2`,
    )
    expect(events.map(({ operation, object_id }) => [operation, object_id])).toEqual(
      expect.arrayContaining([
        ['delete', '1'],
        ['insert', '11'],
        ['update', '2'],
      ]),
    )
    expect(events).toHaveLength(3)
  })

  test.skipIf(Number(testServer().version) < 15)('MERGE is what it does to each row', async () => {
    const events = await recorded(
      `merge into orders using (values (1, 'gone'), (2, 'paid'), (4, 'new')) as source (id, status)
       on orders.id = source.id
       when matched and source.status = 'gone' then delete
       when matched then update set status = source.status
       when not matched then insert values (source.id, source.status, 0)`,
    )
    expect(events).toMatchObject([
      { operation: 'delete', object_id: '1' },
      { operation: 'update', object_id: '2', diff: { status: { old: 'open', new: 'paid' } } },
      { operation: 'insert', object_id: '4' },
    ])
  })

  test('a statement that touches no row is no event', async () => {
    expect(await recorded('update orders set status = null where id = 99')).toEqual([])
  })
})

describe('TRUNCATE', () => {
  test('is one event without a row', async () => {
    await tracked('sessions', 'create table sessions (id integer primary key)')
    await query('insert into sessions values (1), (2)')
    expect(await event('truncate sessions')).toMatchObject({
      operation: 'truncate',
      table_name: 'sessions',
      object_id: null,
      old_data: null,
      new_data: null,
      diff: null,
      meta: null,
      db_user: 'postgres',
    })
  })

  test('with CASCADE is an event of every tracked table that it reaches', async () => {
    await tracked('albums', 'create table albums (id integer primary key)')
    await tracked(
      'songs',
      'create table songs (id integer primary key, album integer references albums)',
    )
    const events = await recorded('truncate albums cascade')
    expect(events.map(({ operation, table_name }) => `${operation} ${table_name}`).sort()).toEqual([
      'truncate albums',
      'truncate songs',
    ])
  })

  test('of one partition says which', async () => {
    await tracked(
      'readings',
      `create table readings (id integer, day date, primary key (id, day)) partition by range (day);
       create table readings_2025 partition of readings for values from ('2025-01-01') to ('2026-01-01');
       create table readings_2026 partition of readings for values from ('2026-01-01') to ('2027-01-01')`,
    )
    expect(await event('truncate readings_2025')).toMatchObject({
      operation: 'truncate',
      table_name: 'readings',
      meta: { relation: 'public.readings_2025' },
    })
  })

  test('of a partitioned table is recorded for the table and for each partition', async () => {
    const events = await recorded('truncate readings')
    expect(events.map(({ meta }) => meta?.relation ?? 'the table itself').sort()).toEqual([
      'public.readings_2025',
      'public.readings_2026',
      'the table itself',
    ])
  })
})

describe('foreign keys', () => {
  test.each([
    ['on delete cascade', 'delete from teams', { operation: 'delete', old_data: { team: 1 } }],
    [
      'on delete set null',
      'delete from teams',
      { operation: 'update', diff: { team: { old: 1, new: null } } },
    ],
    [
      'on delete set default',
      'delete from teams where id = 1',
      { operation: 'update', diff: { team: { old: 1, new: 0 } } },
    ],
    [
      'on update cascade',
      'update teams set id = 5 where id = 1',
      { operation: 'update', diff: { team: { old: 1, new: 5 } } },
    ],
  ])('%s: what they do to other rows is recorded', async (action, statement, expected) => {
    await query(
      `drop table if exists players, teams;
       create table teams (id integer primary key);
       create table players (
         id integer primary key, team integer default 0 references teams ${action})`,
    )
    await query('insert into teams values (1), (0); insert into players values (7, 1)')
    await database.track('teams')
    await database.track('players')
    const events = await recorded(statement)
    const ofPlayers = events.filter(({ table_name }) => table_name === 'players')
    expect(ofPlayers).toMatchObject([{ object_id: '7', ...expected }])
    expect(new Set(events.map(({ transaction_id }) => transaction_id)).size).toBe(1)
  })
})

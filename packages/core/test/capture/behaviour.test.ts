import { describe, expect, test } from 'vitest'
import { auditedDatabase, inTransaction } from '../support.js'

const database = await auditedDatabase()
const { query, tracked, recorded, event } = database

describe('an update that changes nothing', async () => {
  await tracked('still', `create table still (id integer primary key, note text)`)
  test('is no event', async () => {
    await query(`insert into still values (1, 'a'), (2, null)`)
    expect(await recorded(`update still set note = note`)).toEqual([])
    expect(await recorded(`update still set note = 'a'`)).toHaveLength(1)
  })
})

describe('a table without a primary key', async () => {
  await tracked('keyless', 'create table keyless (note text)')
  test('has events that name no row', async () => {
    await query(`insert into keyless values ('a')`)
    expect(await event(`update keyless set note = 'b'`)).toMatchObject({
      object_id: null,
      diff: { note: { old: 'a', new: 'b' } },
    })
    expect(await event('delete from keyless')).toMatchObject({
      object_id: null,
      old_data: { note: 'b' },
    })
  })
})

describe('keys', async () => {
  await tracked('uuids', 'create table uuids (ref uuid primary key)')
  await tracked('texts', 'create table texts (code text primary key)')
  await tracked('pairs', 'create table pairs (a integer, b text, note text, primary key (b, a))')
  test('are text: a uuid, a text with quotes, an array in key order', async () => {
    expect(
      await event(`insert into uuids values ('0D9AD5E2-6F57-4C2E-9F60-3B7B9EE59A10')`),
    ).toMatchObject({ object_id: '0d9ad5e2-6f57-4c2e-9f60-3b7b9ee59a10' })
    expect(await event(`insert into texts values ('it''s "ok" \\')`)).toMatchObject({
      object_id: `it's "ok" \\`,
    })
    expect(await event(`insert into pairs values (1, 'x')`)).toMatchObject({
      object_id: '["x", 1]',
      old_object_id: null,
    })
    expect(await event(`update pairs set note = 'n'`)).toMatchObject({
      object_id: '["x", 1]',
      old_object_id: null,
    })
    expect(await event('update pairs set a = 2')).toMatchObject({
      object_id: '["x", 2]',
      old_object_id: '["x", 1]',
      diff: { a: { old: 1, new: 2 } },
    })
    expect(await event('delete from pairs')).toMatchObject({
      object_id: '["x", 2]',
      old_object_id: null,
    })
  })
})

describe('names', async () => {
  await query(
    'create schema "Other"; create table "Other".same (id integer primary key); create table same (id integer primary key)',
  )
  await database.track('same')
  await database.track({ schema: 'Other', table: 'same' })
  const long = 'x'.repeat(60)
  await query(
    `create table ${long}aaa (id integer primary key); create table ${long}aab (id integer primary key)`,
  )
  await database.track(`${long}aaa`)
  await database.track(`${long}aab`)
  await query(
    `create table "a.b ""c"" Ünï 'd'" ("the id" integer primary key, "select" text, "new" text, "before" text)`,
  )
  await database.track({ table: `a.b "c" Ünï 'd'` })
  await query('create table audit_event (id integer primary key)')
  await database.track('public.audit_event')

  test('that are equal in two schemas, long, quoted, or ours are told apart', async () => {
    expect(await event('insert into "Other".same values (1)')).toMatchObject({
      schema_name: 'Other',
      table_name: 'same',
    })
    expect(await event('insert into same values (1)')).toMatchObject({
      schema_name: 'public',
      table_name: 'same',
    })
    expect(await event(`insert into ${long}aaa values (1)`)).toMatchObject({
      table_name: `${long}aaa`,
    })
    expect(await event(`insert into ${long}aab values (1)`)).toMatchObject({
      table_name: `${long}aab`,
    })
    expect(await event(`insert into "a.b ""c"" Ünï 'd'" values (1, 'x', 'y', 'z')`)).toMatchObject({
      table_name: `a.b "c" Ünï 'd'`,
      new_data: { 'the id': 1, select: 'x', new: 'y', before: 'z' },
    })
    expect(await event('insert into public.audit_event values (1)')).toMatchObject({
      table_name: 'audit_event',
      object_id: '1',
    })
  })
})

describe('generated and identity columns', async () => {
  await tracked(
    'computed',
    `create table computed (id integer generated always as identity primary key, a integer, twice integer generated always as (a * 2) stored)`,
  )
  test('are recorded like any other', async () => {
    expect(await event('insert into computed (a) values (2)')).toMatchObject({
      new_data: { id: 1, a: 2, twice: 4 },
    })
    expect(await event('update computed set a = 3')).toMatchObject({
      diff: { a: { old: 2, new: 3 }, twice: { old: 4, new: 6 } },
    })
  })

  test.runIf(Number(database.server.version) >= 18)(
    'virtual ones are left out, for a trigger cannot see them',
    async () => {
      await tracked(
        'virtual',
        'create table virtual (id integer primary key, a integer, twice integer generated always as (a * 2) virtual)',
      )
      const inserted = await event('insert into virtual values (1, 2)')
      expect(inserted.new_data).toEqual({ id: 1, a: 2 })
      expect((await event('update virtual set a = 3')).diff).toEqual({ a: { old: 2, new: 3 } })
    },
  )
})

describe('triggers of the application', async () => {
  await tracked('touched', 'create table touched (id integer primary key, n integer, note text)')
  await query(`
    create function before_touch() returns trigger language plpgsql as $$
      begin if new.n = 13 then return null; end if; new.note := 'before'; return new; end $$;
    create function after_touch() returns trigger language plpgsql as $$
      begin if new.n < 3 then update touched set n = new.n + 1 where id = new.id; end if; return null; end $$;
    create trigger a_before before insert or update on touched for each row execute function before_touch();
    create trigger z_after after insert or update on touched for each row execute function after_touch();
  `)
  test('that change the row before are seen; those that change it again are later events', async () => {
    const events = await recorded('insert into touched values (1, 1)')
    expect(events).toMatchObject([
      { operation: 'insert', new_data: { n: 1, note: 'before' } },
      { operation: 'update', diff: { n: { old: 1, new: 2 } } },
      { operation: 'update', diff: { n: { old: 2, new: 3 } } },
    ])
  })
  test('that suppress the change leave nothing to record', async () => {
    expect(await recorded('insert into touched values (2, 13)')).toEqual([])
  })
})

describe('a role of the application', async () => {
  await tracked(
    'owned',
    'create table owned (id integer primary key, owner text default current_user)',
  )
  const role = await database.role()
  await query(`
    alter table owned enable row level security;
    create policy own on owned using (owner = current_user);
    grant select, insert, update, delete, truncate on owned to ${role.name};
    insert into owned values (1, 'postgres')`)
  test('needs no right on the log, under row-level security, and is the db_user', async () => {
    const client = await role.client()
    const events = await recorded(async () => {
      await client.query('insert into owned values (2)')
      await client.query('update owned set id = id + 10')
      await client.query('delete from owned')
    })
    expect(events).toMatchObject([
      { operation: 'insert', object_id: '2', db_user: role.name },
      { operation: 'update', object_id: '12', old_object_id: '2', db_user: role.name },
      { operation: 'delete', object_id: '12', db_user: role.name },
    ])
    await expect(client.query('select * from auditrum.auditlog')).rejects.toMatchObject({
      code: '42501',
    })
  })
  test('cannot divert the log with a temporary table', async () => {
    const client = await role.client()
    await client.query(
      'create temp table audit_event (like owned); set search_path = pg_temp, public',
    )
    expect(await event(() => client.query('insert into public.owned values (3)'))).toMatchObject({
      db_user: role.name,
    })
  })
  test('that was set is not the one that logged in', async () => {
    const client = await database.client()
    const set = await event(() =>
      inTransaction(client, [`set local role ${role.name}`, 'insert into owned values (4)']),
    )
    expect(set.db_user).toBe('postgres')
  })
})

describe('what is rolled back', async () => {
  await tracked('undone', 'create table undone (id integer primary key)')
  const client = await database.client()
  test('leaves no event: a transaction, a savepoint, an exception block', async () => {
    expect(
      await recorded(() => inTransaction(client, ['insert into undone values (1)'], 'rollback')),
    ).toEqual([])
    const events = await recorded(() =>
      inTransaction(client, [
        'savepoint a',
        'insert into undone values (2)',
        'rollback to a',
        'insert into undone values (3)',
        `do $$ begin insert into undone values (4); raise exception 'x'; exception when others then insert into undone values (5); end $$`,
      ]),
    )
    expect(events.map(({ object_id }) => object_id)).toEqual(['3', '5'])
    expect(events.every(({ context_id }) => context_id !== null)).toBe(true)
  })
  test('and what is prepared is there when it is committed', async () => {
    const name = `audit_${database.name}`
    const events = await recorded(async () => {
      await inTransaction(
        client,
        ['insert into undone values (6)'],
        `prepare transaction '${name}'`,
      )
      await client.query(`commit prepared '${name}'`)
      await inTransaction(
        client,
        ['insert into undone values (7)'],
        `prepare transaction '${name}'`,
      )
      await client.query(`rollback prepared '${name}'`)
    })
    expect(events).toMatchObject([{ object_id: '6', context_id: expect.any(String) }])
  })
  test('the replica role writes no event, as documented', async () => {
    await client.query('set session_replication_role = replica')
    expect(await recorded(() => client.query('insert into undone values (8)'))).toEqual([])
    await client.query('reset session_replication_role')
  })
})

test('a database in LATIN1 and one in serializable isolation with another time zone record as well', async () => {
  const latin = await auditedDatabase({ encoding: 'LATIN1' })
  await latin.tracked('umlaut', 'create table umlaut (id integer primary key, name text)')
  expect(await latin.event(`insert into umlaut values (1, 'Jürgen')`)).toMatchObject({
    new_data: { name: 'Jürgen' },
  })

  const strict = await auditedDatabase()
  await strict.query(
    `alter database ${strict.name} set default_transaction_isolation = serializable; alter database ${strict.name} set TimeZone = 'Pacific/Chatham'`,
  )
  await strict.tracked('moments', 'create table moments (id integer primary key, at timestamptz)')
  const client = await strict.client()
  expect(
    await strict.event(() =>
      client.query(`insert into moments values (1, '2026-01-01 00:00:00Z')`),
    ),
  ).toMatchObject({
    new_data: { at: '2026-01-01T00:00:00+00:00' },
  })
})

import type { Database, Role } from '@auditrum/testkit'
import { testDatabase, testServer } from '@auditrum/testkit/vitest'
import type pg from 'pg'
import { beforeAll, describe, expect, test } from 'vitest'
import { Auditrum, track } from '../../src/index.js'
import { attempts } from './attempts.js'
import { attemptsFile, attemptsPage, guide, guideTables } from './guide.js'

const version = Number(testServer().version)
const possible = attempts.filter(({ since = 14 }) => since <= version)

const tables = [
  track('shop.orders'),
  track('shop.items'),
  track('shop.visits'),
  track('shop.payments', { requireContext: true }),
]

describe.each([
  { letRead: false, who: 'the application' },
  { letRead: true, who: 'an application that may read the log' },
])('who has the connection of $who', ({ letRead }) => {
  let database: Database
  let owner: Role
  let app: Role
  let audit: Auditrum

  // the log, the tables and the application have an owner each; the application may do what applications
  // are given at most: all data, temporary tables, and a schema of its own
  beforeAll(async () => {
    database = await testDatabase()
    const migrator = await database.role()
    owner = await database.role()
    app = await database.role()
    await database.query(`
      grant create on database ${database.name} to ${owner.name}, ${migrator.name};
      create schema theirs authorization ${app.name}`)
    await (await migrator.client()).query(`
      create schema shop;
      create type shop.color as enum ('red', 'blue');
      create domain shop.amount as numeric(10, 2);
      create table shop.orders (
        id integer primary key, note text, total shop.amount default 1.50, color shop.color default 'red',
        at timestamptz default '2026-01-01T00:00:00Z', span interval default '1 day 02:00:00',
        ratio double precision default 0.1, bytes bytea default '\\xff00', tags integer[] default '{1,null}',
        doc jsonb default '{"a": null}'
      );
      create table shop.items (id integer primary key, order_id integer references shop.orders on delete cascade);
      create table shop.visits (id integer, at date, primary key (id, at)) partition by range (at);
      create table shop.visits_2026 partition of shop.visits for values from ('2026-01-01') to ('2027-01-01');
      create table shop.visits_2027 partition of shop.visits for values from ('2027-01-01') to ('2028-01-01');
      create table shop.payments (id integer primary key);
      grant usage on schema shop to ${app.name}, ${owner.name};
      grant select, insert, update, delete on all tables in schema shop to ${app.name};
      grant trigger on all tables in schema shop to ${owner.name}, ${app.name}`)
    audit = new Auditrum(await owner.client(), { tables })
    await audit.sync()
    // as careless as can be
    await database.query(`
      grant all on schema auditrum to ${app.name} with grant option;
      grant all on all tables in schema auditrum to public;
      grant all on all sequences in schema auditrum to ${app.name};
      grant all on all functions in schema auditrum to ${app.name}, public;
      insert into shop.orders (id) values (1), (2);
      insert into shop.items values (2, 2);
      insert into shop.visits values (1, '2026-01-01')`)
    await (await app.client()).query(`
      create function theirs.nothing() returns trigger language plpgsql as 'begin return null; end';
      create function theirs.yes() returns boolean language sql return true;
      create function theirs.to_jsonb(anyelement) returns jsonb language sql as $$ select '{}'::jsonb $$;
      create function theirs.clock_timestamp() returns timestamptz language sql return '2000-01-01'::timestamptz;
      create function theirs.hashtextextended(text, bigint) returns bigint language sql return 0;
      create function theirs.equal(jsonb, jsonb) returns boolean language sql return true;
      create operator theirs.= (function = theirs.equal, leftarg = jsonb, rightarg = jsonb)`)
    const hardening = await new Auditrum(database, { tables }).harden({
      appRole: app.name,
      letRead,
    })
    expect(hardening).toMatchObject({ ok: true, gaps: [] })
    expect(await new Auditrum(database, { tables }).status()).toMatchObject({
      ok: true,
      findings: [expect.objectContaining({ code: 'events_without_actor' })],
    })
  })

  const filled = (text: string, marker: string) =>
    text
      .replaceAll(':owner', owner.name)
      .replaceAll(':database', database.name)
      .replaceAll(':app', `'${app.name}'`)
      .replaceAll(':marker', marker)

  /** All of the log up to an event. */
  const past = async (marker: string) => {
    const { rows } = await database.query(
      `select
        (select md5(string_agg(event::text, '' order by id)) from auditrum.audit_event as event where id <= $1::bigint) as events,
        (select md5(string_agg(context::text, '' order by id)) from auditrum.audit_context as context
          where id <= (select max(context_id) from auditrum.audit_event where id <= $1::bigint and context_id > 4711)) as contexts,
        (select md5(string_agg(known::text, '' order by id)) from auditrum.audit_table as known) as tables`,
      [marker],
    )
    return rows[0]
  }

  test.each(
    possible.filter(
      ({ outcome, unlessReader }) => outcome === 'refused' && !(letRead && unlessReader),
    ),
  )('cannot $title', async (attempt) => {
    await attacking(async (client, marker) => {
      for (const statement of attempt.sql.slice(0, -1)) await client.query(statement)
      const last = filled(attempt.sql.at(-1) ?? '', marker)
      const error = await client.query(last).catch((reason) => reason)
      expect({ sql: last, code: error.code, message: error.message }).toMatchObject({
        code: expect.toSatisfy((code) => attempt.codes?.includes(code) ?? false),
      })
      await client.query('rollback')
      expect(await since(marker)).toEqual([])
    })
  })

  test.each(possible.filter(({ outcome, events }) => outcome === 'recorded' && !events))(
    'is recorded all the same: $title',
    async (attempt) => {
      await attacking(async (client, marker) => {
        for (const statement of attempt.sql) await client.query(filled(statement, marker))
        await client.query(
          `update shop.orders set note = 'of ' || pg_backend_pid()::text, at = now() where id = 1`,
        )
        await client.query('commit')
        const events = await since(marker)
        expect(events.map(({ what }) => what)).toEqual(['update orders 1'])
        const live = `set timezone = 'UTC'; select to_jsonb(orders) as row from shop.orders where id = 1`
        const [, { rows }] = (await database.query(live)) as unknown as [unknown, pg.QueryResult]
        expect(events[0]).toMatchObject({ new_data: rows[0].row, db_user: app.name })
        expect(events[0]?.user_id ?? 'x').not.toBe('bob')
        expect(events[0]?.context_id).not.toBeNull()
        expect(events[0]?.recent).toBe(true)
      })
    },
  )

  test.each(possible.filter(({ events }) => events))(
    'writes nothing unseen by $title',
    async (attempt) => {
      await attacking(async (client, marker) => {
        for (const statement of attempt.sql) await client.query(filled(statement, marker))
        const events = await since(marker)
        expect(events.map(({ what }) => what)).toEqual(attempt.events)
        expect(new Set(events.map(({ db_user }) => db_user))).toEqual(new Set([app.name]))
      })
    },
  )

  test.each(possible.filter(({ outcome }) => outcome === 'reach'))(
    'can $title, and changes nothing of the past',
    async (attempt) => {
      await attacking(async (client, marker) => {
        for (const statement of attempt.sql) await client.query(filled(statement, marker))
        const { rows } = await database.query(filled(attempt.effect ?? '', marker))
        expect(rows.length).toBeGreaterThan(0)
      })
    },
  )

  test('has left the trail whole', async () => {
    const log = new Auditrum(database, { tables })
    const { ok, findings } = await log.status()
    expect({ ok, errors: findings.filter(({ severity }) => severity === 'error') }).toEqual({
      ok: true,
      errors: [],
    })
    expect((await log.sync()).unchanged).toHaveLength(4)
  })

  /** A session of the application; what was in the log before it is there afterwards. */
  async function attacking(work: (client: pg.Client, marker: string) => Promise<void>) {
    await database.query(`update shop.orders set note = null where id = 1 and note is not null`)
    const { rows } = await database.query('select max(id)::text as id from auditrum.audit_event')
    const marker = rows[0]?.id as string
    const before = await past(marker)
    const client = await app.client()
    try {
      await work(client, marker)
    } finally {
      await client.end()
    }
    expect(await past(marker)).toEqual(before)
  }

  async function since(marker: string) {
    const { rows } = await database.query(
      `select operation || ' ' || table_name || ' ' || object_id as what, new_data, db_user, user_id, context_id,
        changed_at > now() - interval '1 minute' as recent
       from auditrum.auditlog where id > $1::bigint order by id`,
      [marker],
    )
    return rows
  }
})

describe('the docs', () => {
  test('list what was tried', async () => {
    await expect(attemptsPage()).toMatchFileSnapshot(attemptsFile)
  })

  test.each(Object.entries(guideTables))('hold the table of %s as the code has it', (_, table) => {
    expect(guide).toContain(table)
  })
})

import type { Database } from '@auditrum/testkit'
import { testDatabase } from '@auditrum/testkit/vitest'
import { beforeAll, describe, expect, test } from 'vitest'
import { unqualifiedCalls } from '../../scripts/unqualified.mjs'
import { Auditrum, schemaSql, track, trackAll, trackingSql } from '../../src/index.js'
import { auditedDatabase } from '../support.js'

/**
 * Puts into public, where every role could put it once, what fits better than PostgreSQL's own
 * wherever a polymorphic function or an implicit cast is involved, and raises when it is called.
 */
async function plantTraps(database: Database): Promise<void> {
  const functions =
    `unnest cardinality array_to_json to_jsonb md5 length lower floor date_trunc substr
    substring format concat_ws obj_description pg_get_expr to_regclass has_table_privilege
    json_build_object host to_char now starts_with quote_ident hashtextextended`.split(/\s+/)
  const types =
    `oid smallint integer bigint numeric real text name "char" regclass regproc json jsonb
    int2vector smallint[] text[] name[] tstzmultirange timestamptz timestamp interval uuid xid8
    inet`.split(/\s+/)
  const operators = '= <> < <= > >= & | || -> ->> ? ~ << + - * /'.split(' ')
  const raises = `language plpgsql as $$begin raise 'trapped'; end$$`
  const pairs = types.flatMap((left) => types.map((right) => [left, right]))
  await database.query(`create function into_trap(json, anyelement) returns json ${raises}`)
  await database.query(
    [
      ...functions.flatMap((name) =>
        types.flatMap((type) => [
          `create function public.${name}(${type}) returns ${type} ${raises}`,
          `create function public.${name}(${type}, integer) returns bigint ${raises}`,
          `create function public.${name}(${type}, text) returns text ${raises}`,
        ]),
      ),
      ...['json_agg', 'array_agg', 'max', 'count'].flatMap((name) =>
        types.map(
          (type) => `create aggregate public.${name}(${type}) (sfunc = into_trap, stype = json)`,
        ),
      ),
      ...pairs.flatMap(([left, right]) => [
        // no boolean, so that a condition with it is not even parsed, whatever the rows
        `create function trap(${left}, ${right}) returns json ${raises}`,
        ...operators.map(
          (name) =>
            `create operator ${name} (function = trap, leftarg = ${left}, rightarg = ${right})`,
        ),
      ]),
    ].join(';\n'),
  )
}

describe('a search_path in which somebody has put functions and operators', () => {
  let database: Database
  let audit: Auditrum
  beforeAll(async () => {
    database = await testDatabase()
    await database.query(`
      create table orders (id integer primary key, status text);
      create table days (day date primary key) partition by range (day);
      create table days_2026 partition of days for values from ('2026-01-01') to ('2027-01-01');
      create table invoices (id integer primary key);
    `)
    await plantTraps(database)
    audit = new Auditrum(database, {
      lockTimeout: 20,
      tables: [
        track('orders', { mask: ['status'], label: `'order ' || id` }),
        track('days'),
        trackAll(),
      ],
    })
  })

  test('holds traps that work', async () => {
    await expect(database.query(`select unnest('{1}'::smallint[])`)).rejects.toThrow('trapped')
    await expect(database.query(`select 1::oid = 1::integer`)).rejects.toThrow('trapped')
    await expect(database.query(`select '{}'::jsonb ->> '"a"'`)).rejects.toThrow('trapped')
  })

  test('is not asked by sync, plan, check and status', async () => {
    expect((await audit.plan()).map(({ action }) => action)).toContain('install')
    await audit.sync()
    expect((await audit.sync()).unchanged).toHaveLength(3)
    expect((await audit.plan()).every(({ action }) => action === 'none')).toBe(true)
    expect(await audit.check()).toEqual([])
    expect(await audit.status()).toMatchObject({ ok: true, findings: [] })
  })

  test('is not asked by an update of the log, nor by the SQL as text', async () => {
    await database.query('drop function auditrum.untrack(regclass)')
    await audit.sync()
    await database.query(schemaSql())
    await database.query(trackingSql(track('orders', { ignore: ['status'] })))
    expect((await audit.sync()).updated).toEqual(['public.orders'])
  })

  test('is not asked by reading and by housekeeping', async () => {
    await database.query(`insert into orders values (1, 'new'); update orders set id = 2`)
    expect((await audit.page()).events).toHaveLength(2)
    expect((await audit.page({ table: 'orders', request: 'r' })).events).toEqual([])
    expect((await audit.page({ table: 'orders', column: 'id', limit: 1 })).events).toHaveLength(1)
    expect((await audit.page({ table: 'orders', id: 2 })).events).toHaveLength(2)
    expect(await audit.blame('orders', 2)).toHaveLength(2)
    const { id } = (await audit.page({ order: 'asc' })).events[0] ?? {}
    const at = { event: String(id) }
    expect(await audit.rowAsOf('orders', 2, at)).toEqual({ id: 1 })
    for await (const row of audit.tableAsOf('orders', at)) expect(row).toEqual({ id: 1 })
    expect((await audit.compare('orders', 1, at, new Date())).changes).toMatchObject({
      id: { to: 2 },
    })
    for await (const { kind } of audit.compare('orders', at, new Date()))
      expect(kind).toBe('update')
    expect(await audit.columnHistory('orders', 2, 'id')).toHaveLength(2)
    expect((await audit.page({ labels: true, limit: 1 })).events).toHaveLength(1)
    expect(await audit.blame('orders', 2, { labels: true })).toHaveLength(2)
    expect(await audit.label('orders', 2)).toBe('order 2')
    expect((await database.query(`select auditrum.label('orders', '2')`)).rows).toHaveLength(1)
    const { transactionId } = (await audit.page({ order: 'asc' })).events[0] ?? {}
    for await (const change of audit.changes({ transaction: String(transactionId) })) {
      expect(change).toMatchObject({ label: 'order 2' })
    }
    expect(await audit.backfill('orders')).toEqual({ recorded: 0 })
    const role = await database.role()
    expect((await audit.harden({ appRole: role.name, letRead: true })).changes).not.toEqual([])
    expect((await audit.harden({ appRole: role.name })).changes).not.toEqual([])
    expect((await audit.status()).findings).not.toContainEqual(
      expect.objectContaining({ code: 'hardening_undone' }),
    )
    for (const call of [
      `as_of(null::orders, event => ${id})`,
      `row_as_of(null::orders, 1, event => ${id})`,
    ]) {
      expect((await database.query(`select * from auditrum.${call}`)).rows).toHaveLength(1)
    }
    expect((await audit.createPartitions({ months: 4 })).length).toBeGreaterThan(0)
    expect(await audit.maintain()).toMatchObject({ shapes: [] })
    expect((await audit.status()).findings.map(({ code }) => code)).toEqual([
      'events_without_actor',
    ])
  })

  test('is not asked who holds a lock', async () => {
    const holder = await database.client()
    await database.query('create table late (id integer primary key)')
    await holder.query('begin; lock table late')
    await expect(audit.sync()).rejects.toThrow(/late.*lock/)
    await holder.query('rollback')
  })
})

test('what would be called by the search_path is found in a text', () => {
  const calls = (text: string) => unqualifiedCalls(text).map(({ name }) => name)
  expect(calls('select pg_catalog.now(), now(), "Lower" (x), coalesce(a, b)')).toEqual([
    'now',
    '"Lower"',
  ])
  expect(
    calls(`with a (x) as (select 1), b (y) as materialized (select 2)
      select extract(epoch from z) from unnest(c) with ordinality as d (z) where e in (1) -- count(*)
      and 'max(x)' = f`),
  ).toEqual(['unnest'])
})

describe('the search_path of the caller', () => {
  test('is the same after the SQL that installs the log, in one transaction with other changes', async () => {
    const database = await testDatabase()
    const client = await database.client()
    await client.query(`create schema app; begin; set local search_path = app, "$user"`)
    await client.query(schemaSql())
    expect((await client.query('show search_path')).rows).toEqual([{ search_path: 'app, "$user"' }])
    await client.query('create table orders (id integer primary key); commit')
    const { rows } = await client.query(`select to_regclass('app.orders') is not null as there`)
    expect(rows).toEqual([{ there: true }])
    expect((await client.query('show search_path')).rows).toEqual([
      { search_path: '"$user", public' },
    ])
  })

  test('cannot be left out of sight without a transaction, which is refused', async () => {
    const database = await testDatabase()
    const [first = '', second = ''] = schemaSql().split(/(?<=^\$install\$;)/m)
    await database.query(first)
    await expect(database.query(second)).rejects.toMatchObject({
      code: 'AU003',
      message: expect.stringMatching(/not being run in one transaction/),
    })
  })
})

describe('a schema that somebody else made first', () => {
  async function occupied(sql: string) {
    const database = await testDatabase()
    const role = await database.role()
    await database.query(`
      create table orders (id integer primary key);
      grant create on database ${database.name} to ${role.name};
    `)
    const client = await role.client()
    await client.query(sql)
    const audit = new Auditrum(database, { tables: [track('orders')] })
    return { database, role: role.name, client, audit }
  }
  const me = async (database: Database) =>
    (await database.query<{ me: string }>('select current_user as me')).rows[0]?.me

  test.for([
    ['empty', 'create schema auditrum'],
    [
      'with a forged comment, and a table with a trigger',
      `create schema auditrum;
       comment on schema auditrum is 'auditrum schema version 1';
       create table auditrum.audit_setting (name text primary key, value jsonb not null);
       create function auditrum.seize() returns trigger language plpgsql as $$begin raise 'seized'; end$$;
       create trigger seize before insert on auditrum.audit_setting for each row execute function auditrum.seize()`,
    ],
  ])('is refused by sync and by the SQL: %s', async ([, sql = '']) => {
    const { database, role, audit } = await occupied(sql)
    await expect(audit.sync()).rejects.toMatchObject({
      code: 'AUDITRUM_SCHEMA',
      message: expect.stringMatching(
        new RegExp(`does not own the schema auditrum.*Run sync as ${role}, in the deployment`),
      ),
    })
    const owner = await me(database)
    await expect(database.query(schemaSql())).rejects.toMatchObject({
      code: 'AU003',
      message: expect.stringMatching(`belongs to ${role}`),
      hint: expect.stringMatching(`ALTER SCHEMA auditrum OWNER TO ${owner}`),
    })
  })

  test('is taken once it was handed over, and not before all in it was', async () => {
    const { database, role, audit } = await occupied(
      `create schema auditrum;
       create function auditrum.table_id(relation oid, name_parts text[]) returns integer language sql as 'select 1';
       comment on schema auditrum is 'auditrum schema version 1'`,
    )
    await database.query(`alter schema auditrum owner to current_user`)
    await expect(audit.sync()).rejects.toThrow(
      new RegExp(`auditrum\\.table_id\\(.*belongs to ${role}.*ALTER … OWNER TO`),
    )
    await expect(database.query(schemaSql())).rejects.toMatchObject({
      code: 'AU003',
      message: expect.stringMatching(`auditrum\\.table_id\\(.*belongs to ${role}`),
    })
    expect((await audit.status()).findings).toContainEqual(
      expect.objectContaining({ code: 'log_is_writable', severity: 'error' }),
    )
    await database.query('drop function auditrum.table_id')
    await audit.sync()
    expect((await audit.status()).ok).toBe(true)
  })

  test('in which others may create is refused, too', async () => {
    const { database, role, audit } = await occupied('select 1')
    await database.query(`create schema auditrum; grant create on schema auditrum to ${role}`)
    await expect(audit.sync()).rejects.toThrow(
      new RegExp(`${role} may create objects.*REVOKE CREATE ON SCHEMA "auditrum" FROM ${role}`),
    )
    await expect(database.query(schemaSql())).rejects.toMatchObject({
      code: 'AU003',
      hint: expect.stringMatching(`REVOKE CREATE ON SCHEMA auditrum FROM ${role}`),
    })
    await database.query(
      `revoke create on schema auditrum from ${role}; grant create on schema auditrum to public`,
    )
    await expect(audit.sync()).rejects.toThrow(/^PUBLIC may create objects/)
    await database.query('revoke create on schema auditrum from public')
    await audit.sync()
    await database.query(`grant create on schema auditrum to ${role}`)
    expect(await audit.status()).toMatchObject({
      ok: false,
      findings: [
        { code: 'log_is_writable', remedy: `REVOKE CREATE ON SCHEMA "auditrum" FROM ${role}.` },
      ],
    })
    // nothing is to do, so nothing is refused
    expect(await audit.sync()).toMatchObject({ unchanged: ['public.orders'] })
  })

  test('is no hindrance to its owner', async () => {
    const { database, role, client } = await occupied('create schema auditrum')
    await database.query(`alter table orders owner to ${role}`)
    const audit = new Auditrum(client, { tables: [track('orders')] })
    expect(await audit.sync()).toMatchObject({ installed: ['public.orders'] })
    expect(await audit.status()).toMatchObject({ ok: true, findings: [] })
  })
})

describe('default privileges', () => {
  async function opened() {
    const database = await testDatabase()
    const { name: role, client } = await database.role()
    await database.query(`
      create table orders (id integer primary key);
      alter default privileges grant all on schemas to ${role};
      alter default privileges grant all on tables to ${role}, public;
      alter default privileges grant all on sequences to ${role};
      alter default privileges grant all on functions to ${role} with grant option;
    `)
    const audit = new Auditrum(database, { tables: [track('orders')] })
    return { database, role, client: await client(), audit }
  }

  test('do not open the log', async () => {
    const { database, role, client, audit } = await opened()
    await database.query(schemaSql())
    expect(await audit.status()).toMatchObject({ findings: [{ code: 'not_tracked' }] })
    await expect(client.query('select from auditrum.audit_event')).rejects.toMatchObject({
      code: '42501',
    })
    await database.query(`grant usage on schema auditrum to ${role}`)
    for (const statement of [
      'delete from auditrum.audit_event',
      'select from auditrum.auditlog',
      'select from auditrum.audit_event_overflow',
      `select setval('auditrum.audit_event_id_seq', 1)`,
      `select auditrum.write_context('')`,
      'create table auditrum.mine ()',
    ]) {
      await expect(client.query(statement), statement).rejects.toMatchObject({ code: '42501' })
    }
  })

  test('are taken back on what is new alone: what was granted to readers stays', async () => {
    const { database, role, client, audit } = await opened()
    await database.query(schemaSql())
    await database.query(`
      grant usage on schema auditrum to ${role};
      grant select on auditrum.auditlog to ${role};
      grant execute on function auditrum.event_page, auditrum.event_places, auditrum.events_at, auditrum.table_id, auditrum.row_id,
        auditrum.known_column, auditrum.column_types, auditrum.columns_over_time to ${role};
      grant execute on function auditrum.nearest_name to public;
      drop function auditrum.untrack(regclass);
    `)
    await audit.sync()
    expect((await new Auditrum(client).page()).events).toEqual([])
    await expect(client.query(`select auditrum.nearest_name('a', '{}')`)).resolves.toBeDefined()
    await expect(client.query(`select auditrum.untrack('orders')`)).rejects.toMatchObject({
      code: '42501',
    })
  })
})

test('who was let read may read with what an upgrade brings, too', async () => {
  const database = await testDatabase()
  const role = await database.role()
  await database.query('create table orders (id integer primary key)')
  const audit = new Auditrum(database, { tables: [track('orders')] })
  await audit.sync()
  await database.query(`
    select auditrum.let_read('${role.name}');
    drop function auditrum.columns_over_time cascade;`)
  await audit.sync()
  const reader = new Auditrum(await role.client())
  expect((await reader.page()).events).toEqual([])
})

test('status tells who else may change the log', async () => {
  const database = await testDatabase()
  const { name: role } = await database.role()
  await database.query('create table orders (id integer primary key)')
  const audit = new Auditrum(database, { tables: [track('orders')] })
  await audit.sync()
  await database.query(`
    grant usage on schema auditrum to ${role};
    grant select on all tables in schema auditrum to ${role};
    grant execute on function auditrum.history, auditrum.row_id to ${role}, public;
  `)
  expect(await audit.status()).toMatchObject({ ok: true, findings: [] })

  await database.query(`
    grant delete, truncate on auditrum.audit_event to ${role};
    grant update (value) on auditrum.audit_setting to public;
    grant update on sequence auditrum.audit_event_id_seq to ${role};
    grant execute on function auditrum.write_context to public;
    grant execute on function auditrum.capture_1 to ${role};
    create table mine (id integer primary key);
    create trigger forge after insert on mine for each row execute function auditrum.capture_1();
    alter table mine owner to ${role};
  `)
  const { ok, findings: all } = await audit.status()
  expect(ok).toBe(false)
  const findings = all.filter(({ code }) => code === 'log_is_writable')
  expect(findings.map(({ code, remedy }) => [code, remedy])).toEqual(
    [
      `DELETE, TRUNCATE ON TABLE "auditrum".audit_event FROM ${role}`,
      `UPDATE ON SEQUENCE "auditrum".audit_event_id_seq FROM ${role}`,
      'UPDATE ON TABLE "auditrum".audit_setting FROM PUBLIC',
      `EXECUTE ON FUNCTION "auditrum".capture_1() FROM ${role}`,
      'EXECUTE ON FUNCTION "auditrum".write_context(payload text) FROM PUBLIC',
    ].map((what) => ['log_is_writable', `REVOKE ${what}.`]),
  )
  for (const { remedy } of findings) await database.query(remedy.slice(0, -1))
  await database.query('drop table mine')
  expect((await audit.status()).ok).toBe(true)
})

test('an update of the log waits for no open transaction, and lets no write wait', async () => {
  const database = await testDatabase()
  await database.query('create table orders (id integer primary key)')
  const audit = new Auditrum(database, { tables: [track('orders')], lockTimeout: 10_000 })
  await audit.sync()
  const [open, writer] = [await database.client(), await database.client()]
  await open.query('begin; insert into orders values (0)')
  await writer.query(`set statement_timeout = '3s'`)
  await database.query('drop function auditrum.untrack(regclass)')

  let syncing = true
  const sync = audit.sync().finally(() => {
    syncing = false
  })
  for (let id = 1; syncing; id++) await writer.query('insert into orders values ($1)', [id])
  await sync
  expect((await audit.plan()).every(({ action }) => action === 'none')).toBe(true)
  await open.query('commit')
})

test('a type whose cast to json belongs to somebody else is refused, and found', async () => {
  const database = await auditedDatabase()
  const role = await database.role()
  await database.query(`
    create schema app authorization ${role.name};
    grant usage on schema auditrum to ${role.name}`)
  const owner = await role.client()
  await owner.query(`
    create type app.color as enum ('red');
    create type app.paint as (color app.color, amount integer);
    create table app.walls (id integer primary key, paints app.paint[])`)
  const audit = new Auditrum(database, { tables: [track('app.walls')] })
  await audit.sync()
  expect((await audit.status()).ok).toBe(true)
  await owner.query(`
    create function app.as_json(app.color) returns json language sql return '{}'::json;
    create cast (app.color as json) with function app.as_json(app.color)`)
  expect((await audit.status()).findings).toContainEqual(
    expect.objectContaining({ code: 'foreign_cast', table: 'app.walls', severity: 'error' }),
  )
  await expect(audit.sync()).rejects.toMatchObject({ code: 'AUDITRUM_DECLARATION' })
  await owner.query('drop cast (app.color as json)')
  await expect(audit.sync()).resolves.toMatchObject({ installed: [], updated: [] })
})

test('who owns a table does not act as the owner of the log when labels are read', async () => {
  const database = await auditedDatabase()
  const [holder, app, reader] = [
    await database.role(),
    await database.role(),
    await database.role(),
  ]
  await database.query(`
    grant create on database ${database.name} to ${holder.name};
    create schema app authorization ${app.name};
    grant usage on schema app to public`)
  const owner = await app.client()
  await owner.query(`
    create table app.loot (what text, who text default current_user);
    grant insert on app.loot to public;
    create function app.take(what text) returns boolean language plpgsql as
      $$ begin insert into app.loot values (what); return true; end $$;
    create function app.spy(what text) returns boolean immutable language plpgsql as
      $$ begin return app.take(what); end $$;
    create function app.shout(text) returns text immutable language sql return upper($1);
    create type app.mood as enum ('good', 'bad');
    create domain app.key as integer;
    create domain app.name as text;
    create table app.things (id app.key primary key, name app.name, mood app.mood);
    create table app.parts (id integer primary key, thing app.key references app.things);
    grant select, trigger on all tables in schema app to ${holder.name};
    insert into app.things values (1, 'early', 'good')`)
  const log = new Auditrum(await holder.client(), {
    schema: 'its_log',
    tables: [track('app.things', { label: `name || ' ' || mood` }), track('app.parts')],
  })
  await log.sync()
  await database.query(`select its_log.let_read('${reader.name}')`)
  await owner.query(`
    insert into app.things values (2, 'late', 'bad'); insert into app.parts values (1, 1), (2, 2);
    create function app.as_text(app.mood) returns text language sql as
      $$ select app.spy('cast') :: text $$;
    create cast (app.mood as text) with function app.as_text(app.mood);
    alter domain app.key add check (app.spy('key'));
    alter domain app.name add check (app.spy('domain'));
    create policy spying on app.things using (app.spy('policy'));
    alter table app.things enable row level security;
    create index on app.things ((app.spy('index')));
    truncate app.loot`)
  const its = new Auditrum(await reader.client(), { schema: 'its_log' })
  expect(await its.label('app.things', 1)).toBeNull()
  expect(await its.label('app.things', 2)).toBe('late bad')
  for await (const event of its.history({ table: 'app.parts', labels: true })) {
    expect(event.diff.thing?.newLabel).toBe(event.objectId === '2' ? 'late bad' : undefined)
    for await (const change of its.changes({ transaction: String(event.transactionId) })) {
      expect(change.label ?? 'late bad').toBe('late bad')
    }
    expect(await its.blame('app.parts', String(event.objectId), { labels: true })).toHaveLength(2)
  }
  const loot = async () => (await database.query('select distinct who from app.loot')).rows
  expect(await loot()).toEqual([])

  // tables as they were are read by the reader's own rights, at his own risk
  await owner.query(`grant select on app.things to ${reader.name}`)
  const { id } = (await its.page({ table: 'app.things' })).events[0] ?? {}
  const at = { event: String(id) }
  await its.rowAsOf('app.things', 1, at)
  await its.rowAsOf('app.things', 2, at)
  for await (const row of its.tableAsOf('app.things', at)) expect(row).toHaveProperty('mood')
  await its.compare('app.things', 2, at, new Date())
  for await (const row of its.compare('app.things', at, new Date())) expect(row).toBeDefined()
  await its.columnHistory('app.things', 2, 'name')
  await its.blame('app.things', 2, { labels: true })
  await its.page({ table: 'app.things', id: 2 })
  expect(await loot()).toEqual([{ who: reader.name }])

  const refused = new Auditrum(await holder.client(), {
    schema: 'its_log',
    tables: [track('app.parts', { label: `app.shout('x')` })],
  })
  await expect(refused.sync()).rejects.toThrow('function app.shout(text)')
})

import type { Role } from '@auditrum/testkit'
import { testDatabase, testServer } from '@auditrum/testkit/vitest'
import { beforeAll, describe, expect, test } from 'vitest'
import { Auditrum, type Hardening, track } from '../../src/index.js'

const version = Number(testServer().version)

/** A database in which the log, the tables and the application have an owner each. */
async function separated() {
  const database = await testDatabase()
  const [owner, migrator, app, admin] = await Promise.all(
    Array.from({ length: 4 }, () => database.role()),
  )
  if (!owner || !migrator || !app || !admin) throw new Error('There should be four roles.')
  await database.query(`
    grant create on database ${database.name} to ${owner.name};
    create schema shop authorization ${migrator.name}`)
  await (await migrator.client()).query(`
    create table shop.orders (id integer generated always as identity primary key, note text);
    grant usage on schema shop to ${app.name}, ${owner.name};
    grant select, insert, update, delete, trigger on shop.orders to ${app.name};
    grant trigger on shop.orders to ${owner.name}`)
  const tables = [track('shop.orders')]
  const as = async (role: Role) => new Auditrum(await role.client(), { tables })
  const audit = new Auditrum(database, { tables })
  await (await as(owner)).sync()
  return { database, owner, migrator, app, admin, audit, as }
}

/** By what a role may do something, according to the report. */
function how({ rights }: Hardening, capability: string, role: Role | { name: string }) {
  const line = rights.find((each) => each.capability === capability)
  if (!line) throw new Error(`The report has no ${capability}.`)
  return line.roles[role.name]
}

describe('hardening', () => {
  let it: Awaited<ReturnType<typeof separated>>
  beforeAll(async () => {
    it = await separated()
  })

  test('says what it would do, and changes nothing, with dryRun', async () => {
    const { audit, app, admin, database } = it
    await database.query(`grant all on auditrum.audit_event to ${app.name}`)
    const planned = await audit.harden({ appRole: app.name, adminRole: admin.name, dryRun: true })
    expect(planned.ok).toBe(false)
    expect(planned.changes).toContain(
      `REVOKE ALL ON TABLE "auditrum".audit_event FROM ${app.name} CASCADE`.replaceAll('"', ''),
    )
    expect(planned.gaps.map(({ capability }) => capability)).toContain('write_events')
    expect(how(planned, 'write_events', app)).toContain('DELETE on auditrum.audit_event')
    expect(
      (await audit.harden({ appRole: app.name, adminRole: admin.name, dryRun: true })).sql,
    ).toBe(planned.sql)
    // what it printed can be run by hand
    await database.query(planned.sql)
    const after = await audit.harden({ appRole: app.name, adminRole: admin.name, dryRun: true })
    expect(after).toMatchObject({ changes: [], sql: '', gaps: [] })
  })

  test('by the owner of the log closes all but the tables of others, and says so', async () => {
    const { as, owner, app, database } = it
    await database.query(`grant trigger on shop.orders to ${app.name}`)
    const its = await as(owner)
    const done = await its.harden({ appRole: app.name })
    expect(done).toMatchObject({ ok: false, owner: owner.name, adminRole: null })
    expect(done.gaps).toEqual([
      {
        capability: 'disable_triggers',
        message: expect.stringContaining('TRIGGER on shop.orders'),
        remedy: expect.stringContaining('REVOKE TRIGGER'),
      },
    ])
    expect(how(done, 'write_events', owner)).toEqual(['owner of the log'])
  })

  test('leaves an application that is recorded, asks for status, and syncs', async () => {
    const { as, app, admin, audit } = it
    const done = await audit.harden({ appRole: app.name, adminRole: admin.name })
    expect(done).toMatchObject({ ok: true, gaps: [] })
    expect(await audit.harden({ appRole: app.name, adminRole: admin.name })).toMatchObject({
      changes: [],
      ok: true,
    })
    const its = await as(app)
    expect(await its.sync()).toMatchObject({ unchanged: ['shop.orders'] })
    expect(await its.status()).toMatchObject({
      ok: true,
      findings: [
        {
          severity: 'warning',
          code: 'log_unreadable',
          remedy: expect.stringContaining('let_read('),
        },
      ],
    })
    // the admin hears what the owner hears
    const told = await new Auditrum(await admin.client()).status()
    expect(told).toEqual(await new Auditrum(it.database).status())
    expect(told.partitions.length).toBeGreaterThan(0)
    await expect(its.page()).rejects.toMatchObject({ code: 'AUDITRUM_SCHEMA' })
    await (await app.client()).query(`insert into shop.orders (note) values ('recorded')`)
    expect((await audit.page({ limit: 1 })).events).toMatchObject([
      { dbUser: app.name, new: { note: 'recorded' } },
    ])
  })

  test('lets the admin role read and keep the log, and nothing else', async () => {
    const { as, app, admin, audit, database, owner } = it
    const done = await audit.harden({ appRole: app.name, adminRole: admin.name })
    expect(how(done, 'read_log', admin)).not.toEqual([])
    expect(how(done, 'maintain_log', admin)).not.toEqual([])
    expect(how(done, 'write_events', admin)).toEqual([])
    const its = await as(admin)
    await (await app.client()).query(`insert into shop.orders (note) values ('read')`)
    expect((await its.page({ limit: 1 })).events[0]?.new).toMatchObject({ note: 'read' })
    expect(await its.createPartitions({ months: 5 })).toHaveLength(4)
    await its.maintain()
    const client = await admin.client()
    await expect(client.query('delete from auditrum.audit_event')).rejects.toThrow('denied')
    await expect(client.query(`select auditrum.untrack('shop.orders')`)).rejects.toThrow('denied')
    // what an admin makes is the owner's
    const { rows } = await database.query(
      `select distinct relowner::regrole::text as owner from pg_class where relnamespace = 'auditrum'::regnamespace`,
    )
    expect(rows).toEqual([{ owner: owner.name }])
    expect((await audit.status()).ok).toBe(true)
  })

  test('holds for what is made later, whatever is granted by default', async () => {
    const { as, app, owner, migrator, audit } = it
    const its = await owner.client()
    await its.query(`
      alter default privileges grant all on tables to public;
      alter default privileges grant all on sequences to ${app.name};
      alter default privileges grant all on functions to ${app.name};
      alter default privileges in schema auditrum grant all on tables to ${app.name}`)
    const done = await audit.harden({ appRole: app.name })
    expect(done.changes).toContainEqual(
      expect.stringMatching(/^ALTER DEFAULT PRIVILEGES FOR ROLE .* IN SCHEMA auditrum REVOKE/),
    )
    await (await migrator.client()).query(`
      create table shop.later (id integer primary key);
      grant insert on shop.later to ${app.name};
      grant trigger on shop.later to ${owner.name}`)
    const later = new Auditrum(its, { tables: [track('shop.orders'), track('shop.later')] })
    await later.sync()
    await later.createPartitions({ months: 6 })
    await later.signContexts('k'.repeat(32))
    await (await as(owner)).maintain()
    expect(await audit.harden({ appRole: app.name, dryRun: true })).toMatchObject({
      changes: [],
      ok: true,
    })
    await (await app.client()).query('insert into shop.later values (1)')
    await expect((await app.client()).query('table auditrum.audit_key')).rejects.toThrow('denied')
    expect((await audit.page({ table: 'shop.later' })).events).toHaveLength(1)
  })

  test('takes what a role has by others, by columns, and what was passed on', async () => {
    const { app, admin, audit, database } = it
    const group = await database.role()
    const friend = await database.role()
    await database.query(`
      grant ${group.name} to ${app.name};
      grant usage on schema auditrum to public;
      grant select, insert on auditrum.audit_event to ${group.name};
      grant update (value) on auditrum.audit_setting to ${app.name};
      grant delete on auditrum.audit_context to ${friend.name} with grant option;
      grant execute on function auditrum.pause to ${app.name} with grant option;
      set role ${friend.name};
      grant delete on auditrum.audit_context to ${app.name};
      reset role`)
    await (await app.client()).query(`grant execute on function auditrum.pause to ${friend.name}`)
    const done = await audit.harden({ appRole: app.name, adminRole: admin.name })
    expect(done).toMatchObject({ ok: true, gaps: [] })
    const { rows } = await database.query(
      `select has_function_privilege($1, 'auditrum.pause(boolean)', 'execute') as pause,
        has_table_privilege($1, 'auditrum.audit_context', 'delete') as own`,
      [friend.name],
    )
    // the friend keeps what was its own, but may not pass it on
    expect(rows).toEqual([{ pause: false, own: true }])
  })

  test('lets the application read where that is wanted', async () => {
    const { as, app, admin, audit, database } = it
    await database.query(`grant select, insert on auditrum.audit_event to ${app.name}`)
    const options = { appRole: app.name, adminRole: admin.name, letRead: true }
    expect(await audit.harden(options)).toMatchObject({ ok: true })
    expect(await audit.harden(options)).toMatchObject({ ok: true, changes: [] })
    expect((await (await as(app)).page()).events).not.toEqual([])
    await expect((await app.client()).query('table auditrum.audit_event')).rejects.toThrow('denied')
    // and no longer, when it no longer is
    await audit.harden({ appRole: app.name, adminRole: admin.name })
    await expect((await as(app)).page()).rejects.toMatchObject({ code: 'AUDITRUM_SCHEMA' })
  })

  test('of a log in a schema of another name, for roles of any name', async () => {
    const database = await testDatabase()
    const app = `it's "app" $harden$ ${database.name}`
    const quoted = `"${app.replaceAll('"', '""')}"`
    await database.query(`create role ${quoted}; create table orders (id integer primary key)`)
    try {
      const audit = new Auditrum(database, { schema: 'Its log', tables: [track('orders')] })
      await audit.sync()
      await database.query(`grant all on all tables in schema "Its log" to ${quoted}`)
      expect(await audit.harden({ appRole: app })).toMatchObject({ ok: true })
      expect(await audit.harden({ appRole: app })).toMatchObject({ changes: [] })
      expect(await audit.status()).toMatchObject({ ok: true, findings: [] })
    } finally {
      await database.query(`drop owned by ${quoted}; drop role ${quoted}`)
    }
  })
})

describe('an application that owns everything', () => {
  let it: Awaited<ReturnType<typeof owning>>
  const owning = async () => {
    const database = await testDatabase()
    const app = await database.role()
    const keeper = await database.role()
    await database.query(`
      grant create on database ${database.name} to ${app.name};
      create schema shop authorization ${app.name}`)
    const client = await app.client()
    await client.query(`
      create type shop.color as enum ('red');
      create table shop.customers (id serial primary key, color shop.color);
      create table shop.orders (id bigint generated by default as identity primary key, customer integer references shop.customers);
      create table shop.visits (id integer, at date, primary key (id, at)) partition by range (at)`)
    const tables = [track('shop.customers'), track('shop.orders'), track('shop.visits')]
    const audit = new Auditrum(client, { tables })
    await audit.sync()
    return { database, app, keeper, client, tables, audit, log: new Auditrum(database, { tables }) }
  }
  beforeAll(async () => {
    it = await owning()
  })

  test('is told that nothing holds it back', async () => {
    const { log, audit, app } = it
    for (const each of [log, audit]) {
      await expect(each.harden({ appRole: app.name })).rejects.toThrow(
        /owns the log in the schema auditrum, or a part of it, so it may change and drop every event.* takeOwnership/,
      )
    }
    await expect(audit.harden({ appRole: app.name, takeOwnership: true })).rejects.toThrow(
      'would own the log itself',
    )
  })

  test('owns the log no longer, is recorded all the same, and is told what its tables mean', async () => {
    const { log, audit, app, keeper, client, database } = it
    const done = await log.harden({ appRole: app.name, takeOwnership: keeper.name })
    expect(done).toMatchObject({ ok: false, owner: keeper.name })
    expect(done.gaps.map(({ capability }) => capability)).toEqual([
      'run_as_owner',
      'disable_triggers',
      'drop_tables',
    ])
    expect(how(done, 'run_as_owner', app)).toEqual([
      'owner of the type shop.color in shop.customers: a cast of it to json would be called',
    ])
    // with a way to the schema it could put the trigger functions on tables of its own, too
    const reading = await log.harden({ appRole: app.name, letRead: true })
    expect(reading.gaps.map(({ capability }) => capability)).toContain('attach_capture')
    await log.harden({ appRole: app.name })
    await client.query(`insert into shop.customers (color) values ('red')`)
    expect((await log.page()).events).toHaveLength(1)
    expect((await audit.sync()).unchanged).toHaveLength(3)
    const { findings, ok } = await log.status()
    expect(ok).toBe(true)
    expect(new Set(findings.map(({ code }) => code))).toEqual(
      new Set(['hardening_incomplete', 'events_without_actor']),
    )
    await client.query(`
      create table shop.visits_2026 partition of shop.visits for values from ('2026-01-01') to ('2027-01-01');
      insert into shop.visits_2026 values (1, '2026-11-29')`)
    expect((await log.page({ table: 'shop.visits' })).events).toHaveLength(1)
    await expect(client.query('select from auditrum.auditlog')).rejects.toThrow('denied')
    const { rows } = await database.query(
      `select from pg_class where relnamespace = 'auditrum'::regnamespace and relowner <> $1::regrole`,
      [keeper.name],
    )
    expect(rows).toEqual([])
  })

  test('hands its tables over when that is asked for, and writes as before', async () => {
    const { log, app, keeper, client, tables, audit } = it
    const done = await log.harden({ appRole: app.name, takeTables: true })
    expect(done.gaps.map(({ capability }) => capability)).toEqual(['drop_tables'])
    expect(how(done, 'disable_triggers', app)).toEqual([])
    await client.query(`
      insert into shop.customers (color) values ('red');
      insert into shop.orders (customer) values (1);
      update shop.orders set customer = 2;
      delete from shop.orders`)
    await expect(client.query('alter table shop.orders disable trigger all')).rejects.toThrow(
      'owner',
    )
    await expect(
      client.query(
        `create or replace trigger "00_auditrum" after insert on shop.orders for each row execute function pg_catalog.suppress_redundant_updates_trigger()`,
      ),
    ).rejects.toThrow('denied')
    expect(await audit.sync()).toMatchObject({ updated: [], pending: ['shop.visits'] })
    // the owner of the log goes on declaring
    const its = new Auditrum(await keeper.client(), {
      tables: [track('shop.customers'), track('shop.orders', { exclude: ['customer'] })],
    })
    expect((await its.sync()).updated).toEqual(['shop.orders'])
    await new Auditrum(await keeper.client(), { tables }).sync()
    await it.database.query(
      `alter schema shop owner to ${keeper.name}; grant usage on schema shop to ${app.name}`,
    )
    expect(await log.harden({ appRole: app.name })).toMatchObject({ ok: true, changes: [] })
  })
})

test('a role that is no superuser hands a log over to one that it can become', async () => {
  const { database, owner, app, as } = await separated()
  const deployer = await database.role()
  const keeper = await database.role()
  await database.query(`
    grant ${owner.name}, ${keeper.name} to ${deployer.name};
    grant create on database ${database.name} to ${deployer.name}`)
  const audit = await as(deployer)
  await expect((await as(app)).harden({ appRole: app.name })).rejects.toMatchObject({
    code: 'AUDITRUM_SCHEMA',
  })
  const done = await audit.harden({ appRole: app.name, takeOwnership: keeper.name })
  expect(done.owner).toBe(keeper.name)
  expect(done.gaps.map(({ capability }) => capability)).toEqual(['disable_triggers'])
  expect(await audit.harden({ appRole: app.name })).toMatchObject({ changes: [] })
})

test('says beforehand what handing tables over takes, and closes foreign keys to them', async () => {
  const { database, owner, migrator, as } = await separated()
  const options = { appRole: migrator.name, takeTables: true }
  await expect((await as(owner)).harden({ ...options, dryRun: true })).rejects.toThrow(
    `cannot be handed to ${owner.name} yet, which takes CREATE on the schema shop for ${owner.name} (GRANT CREATE ON SCHEMA shop TO ${owner.name}), and the rights of ${migrator.name} for ${owner.name}, who runs this. Grant that`,
  )
  await database.query(`
    grant create on schema shop to ${owner.name};
    grant ${migrator.name} to ${owner.name};
    grant references on shop.orders to public`)
  const done = await (await as(owner)).harden(options)
  await database.query(`revoke ${migrator.name} from ${owner.name}`)
  expect(done.changes).toEqual(
    expect.arrayContaining([
      'REVOKE REFERENCES ON shop.orders FROM PUBLIC',
      `ALTER TABLE shop.orders OWNER TO "${owner.name}"`,
    ]),
  )
  expect(done.gaps.map(({ capability }) => capability)).toEqual(['drop_tables'])
  const its = await migrator.client()
  await its.query('insert into shop.orders default values')
  await expect(
    its.query('create table shop.notes (order_id integer references shop.orders)'),
  ).rejects.toThrow('permission denied for table orders')
})

test('waits for who is writing, and hands the log over when that has ended', async () => {
  const { database, app, migrator, as } = await separated()
  const keeper = await database.role()
  const writer = await app.client()
  await writer.query(`begin; insert into shop.orders (note) values ('in flight')`)
  const impatient = new Auditrum(database, { tables: [track('shop.orders')], lockTimeout: 20 })
  const handing = impatient.harden({ appRole: app.name, takeOwnership: keeper.name })
  await expect(handing).rejects.toThrow(
    /^The log was not hardened: auditrum\.audit_event could not be locked in 8 attempts of 20 ms .* because process \d+ held a lock/,
  )
  const again = impatient.harden({ appRole: app.name, takeOwnership: keeper.name })
  await writer.query(`insert into shop.orders (note) values ('goes on'); commit`)
  expect(await again).toMatchObject({ ok: true, owner: keeper.name })
  expect((await (await as(keeper)).page()).events).toHaveLength(2)
  await expect((await migrator.client()).query('table auditrum.audit_event')).rejects.toThrow(
    'denied',
  )
})

describe('hardening is refused', () => {
  let it: Awaited<ReturnType<typeof separated>>
  beforeAll(async () => {
    it = await separated()
  })
  const refusal = async (before: string, after: string, options = {}) => {
    await it.database.query(before)
    try {
      return await it.audit
        .harden({ appRole: it.app.name, adminRole: it.admin.name, ...options })
        .then(
          () => 'nothing',
          (error: Error) => error.message,
        )
    } finally {
      await it.database.query(after)
    }
  }

  test('where roles are not what they should be', async () => {
    const { app, admin, owner } = it
    expect(
      await refusal(`alter role ${app.name} superuser`, `alter role ${app.name} nosuperuser`),
    ).toMatch(/is a superuser, from whom nothing can be taken/)
    expect(
      await refusal(`grant postgres to ${app.name}`, `revoke postgres from ${app.name}`),
    ).toMatch(/can become postgres, a superuser/)
    expect(
      await refusal(`grant ${owner.name} to ${app.name}`, `revoke ${owner.name} from ${app.name}`),
    ).toMatch(/can become .*, who owns the log/)
    expect(
      await refusal(`grant ${admin.name} to ${app.name}`, `revoke ${admin.name} from ${app.name}`),
    ).toMatch(/is, or can become, the admin role/)
    expect(
      await refusal(
        `grant pg_write_all_data to ${app.name}`,
        `revoke pg_write_all_data from ${app.name}`,
      ),
    ).toMatch(/REVOKE pg_write_all_data FROM/)
    expect(await refusal('', '', { appRole: 'nobody_at_all' })).toMatch(
      /There is no role nobody_at_all/,
    )
    expect(await refusal('', '', { adminRole: 'nobody_at_all' })).toMatch(
      /There is no role nobody_at_all/,
    )
    expect(await refusal('', '', { takeOwnership: 'nobody_at_all' })).toMatch(/There is no role/)
    expect(await refusal('', '', { adminRole: app.name })).toMatch(/not the application's/)
    expect(await refusal('', '', { adminrole: 'x' })).toMatch(/Did you mean "adminRole"/)
    expect(await refusal('', '', { letRead: 'no' })).toMatch(/Give true or false/)
    expect(await refusal('', '', { appRole: '' })).toMatch(/Give the name of a role/)
  })

  test('while recording is off, or may be put off', async () => {
    expect(
      await refusal('select auditrum.allow_pausing()', 'select auditrum.allow_pausing(false)'),
    ).toMatch(/cannot be hardened yet: Recording may be paused here/)
    expect(
      await refusal(
        'alter table shop.orders disable trigger "00_auditrum"',
        'alter table shop.orders enable trigger "00_auditrum"',
      ),
    ).toMatch(/is disabled.*Run sync/)
    expect(await refusal('create table shop.other (id int)', 'drop table shop.other')).toBe(
      'nothing',
    )
    const more = new Auditrum(it.database, { tables: [track('shop.orders'), track('shop.none')] })
    await expect(more.harden({ appRole: it.app.name })).rejects.toThrow(/cannot be hardened yet/)
    const none = new Auditrum(it.database, { schema: 'nowhere' })
    await expect(none.harden({ appRole: it.app.name })).rejects.toThrow(/There is no log/)
  })

  test('while something on the log is not ours', async () => {
    await it.database.query(
      `create function shop.swallow() returns trigger language plpgsql as 'begin return null; end'`,
    )
    expect(
      await refusal(
        'create trigger swallow before insert on auditrum.audit_event for each row execute function shop.swallow()',
        'drop trigger swallow on auditrum.audit_event',
      ),
    ).toMatch(/holds what auditrum did not make: the trigger swallow of auditrum.audit_event/)
    expect(
      await refusal(
        'create rule swallow as on insert to auditrum.audit_setting do instead nothing',
        'drop rule swallow on auditrum.audit_setting',
      ),
    ).toMatch(/the rule swallow of/)
    expect(
      await refusal(
        'alter function auditrum.table_id set search_path = shop',
        'alter function auditrum.table_id set search_path = pg_catalog, pg_temp',
      ),
    ).toMatch(/the search_path of auditrum.table_id/)
  })

  test('where a condition would run what the application can replace', async () => {
    const { app, database, audit, owner } = it
    await database.query(`
      create schema theirs authorization ${app.name};
      create function theirs."Is real"(text) returns boolean immutable language sql as 'select true';
      grant usage on schema theirs to ${owner.name}`)
    const declared = new Auditrum(database, {
      tables: [
        track('shop.orders', {
          when: `NEW.note <> 'theirs.other(' AND theirs."Is real"(NEW.note)`,
        }),
      ],
    })
    await new Auditrum(await owner.client(), {
      tables: [
        track('shop.orders', {
          when: `NEW.note <> 'theirs.other(' AND theirs."Is real"(NEW.note)`,
        }),
      ],
    }).sync()
    // it may create a function that fits better
    await expect(declared.harden({ appRole: app.name })).rejects.toThrow(
      /run its own code as the owner of the log: may create in the schema of theirs."Is real", which the condition \(when\) of shop.orders names/,
    )
    await database.query(
      `alter schema theirs owner to ${owner.name}; alter function theirs."Is real" owner to ${app.name}`,
    )
    await expect(declared.harden({ appRole: app.name })).rejects.toThrow(
      'owner of theirs."Is real"',
    )
    await database.query(`alter function theirs."Is real" owner to ${owner.name}`)
    await expect(declared.harden({ appRole: app.name })).resolves.toMatchObject({ ok: true })
    await (await it.as(owner)).sync()
    expect((await audit.status()).ok).toBe(true)
  })
})

describe('the report', () => {
  const cases: readonly {
    readonly capability: string
    readonly given: string
    readonly taken: string
    readonly by: string
    readonly since?: number
    /** Whether it is to be there without the others. */
    readonly isAlone?: boolean
  }[] = [
    grants('disable_triggers', 'TRIGGER on shop.orders', ':group'),
    grants('truncate_tables', 'TRUNCATE on shop.orders', ':app'),
    sets('replica_role', 'SET', 'session_replication_role', ':group'),
    sets('server_files', 'ALTER SYSTEM', 'archive_command', ':app'),
    sets('set_parameters', 'SET', 'log_statement', ':app'),
    {
      capability: 'replica_role',
      given: 'alter role :app set session_replication_role = replica',
      taken: 'alter role :app reset session_replication_role',
      by: 'sessions begin with session_replication_role=replica',
    },
    {
      ...grants('server_files', 'EXECUTE on function pg_catalog.lo_export(oid, text)', ':app'),
      by: 'EXECUTE on pg_catalog.lo_export',
    },
    joins('subscribe', 'pg_create_subscription', 16),
    joins('server_files', 'pg_execute_server_program'),
    joins('server_files', 'pg_write_server_files'),
    joins('lock_log', 'pg_maintain', 17),
    joins('end_sessions', 'pg_signal_backend'),
    { ...joins('read_keys', 'pg_read_all_data'), by: 'SELECT on auditrum.audit_key' },
    is('copy_cluster', 'REPLICATION'),
    is('bypass_policies', 'BYPASSRLS'),
    owns('drop_tables', 'schema shop', ':migrator', 'owner of the schema shop'),
    owns('drop_tables', 'database :database', 'postgres', 'owner of the database'),
    owns(
      'disable_triggers',
      'language plpgsql',
      'postgres',
      'owner of the language plpgsql of the trigger functions',
    ),
    owns(
      'run_as_owner',
      'type shop.color',
      ':migrator',
      'owner of the type shop.color in shop.orders: a cast of it to json would be called',
    ),
    calls(
      'returns boolean language sql',
      'create policy mine on shop.orders using (public.mine())',
      'drop policy mine on shop.orders',
      'the policy mine of shop.orders',
    ),
    calls(
      'returns event_trigger language plpgsql',
      'create event trigger mine on ddl_command_end execute function public.mine()',
      'drop event trigger mine',
      'the event trigger mine',
    ),
    // as the owner of the table, who owns the log
    calls(
      'returns trigger language plpgsql',
      'create trigger mine after delete on shop.orders execute function public.mine(); alter table shop.orders owner to :owner',
      'alter table shop.orders owner to :migrator; drop trigger mine on shop.orders',
      'the trigger mine of shop.orders',
    ),
    calls(
      'returns boolean immutable language sql',
      'create index mine on shop.orders ((public.mine())); alter table shop.orders owner to :owner',
      'alter table shop.orders owner to :migrator; drop index shop.mine',
      'an index of shop.orders',
    ),
    // as the owner of the table, when a foreign key to it looks for the row
    {
      capability: 'run_as_owner',
      given:
        'grant references (id) on shop.orders to :group; alter table shop.orders owner to :owner',
      taken:
        'alter table shop.orders owner to :migrator; revoke references on shop.orders from :group',
      by: 'REFERENCES on shop.orders: the cast that a foreign key needs would be called',
      isAlone: true,
    },
    calls(
      'returns boolean immutable language sql',
      'create domain shop.checked as text check (public.mine()); alter table shop.orders add checked shop.checked',
      'drop domain shop.checked cascade',
      'the type shop.checked in shop.orders',
    ),
    byExtension(
      'drop_tables',
      '',
      '',
      'owner of the extension citext, which has the type extended.citext in shop.orders',
    ),
    // an operator for the domain itself would be called, when a row is looked for by its key
    byExtension(
      'run_as_owner',
      'grant create on schema extended to :app',
      '',
      'may create in the schema extended, whose operators compare email of shop.orders',
    ),
    byExtension(
      'run_as_owner',
      `create function public.mine(shop.email, shop.email) returns boolean language sql as 'select true';
      alter function public.mine(shop.email, shop.email) owner to :app;
      create operator extended.= (leftarg = shop.email, rightarg = shop.email, function = public.mine)`,
      'drop function public.mine cascade',
      'owner of the function public.mine, which the comparison of email of shop.orders calls',
    ),
  ]

  /** A key of a domain over a type of an extension that the application owns. */
  function byExtension(capability: string, more: string, less: string, by: string) {
    return {
      capability,
      given: `create schema extended;
        grant create on database :database to :app;
        grant create, usage on schema extended to :app;
        set role :app; create extension citext schema extended; reset role;
        revoke all on schema extended from :app;
        create domain shop.email as extended.citext;
        alter table shop.orders drop constraint orders_pkey, add email shop.email, add primary key (id, email);
        ${more}`,
      taken: `${less};
        alter table shop.orders drop column email, add primary key (id);
        drop schema extended cascade; drop domain if exists shop.email;
        revoke create on database :database from :app`,
      by,
      isAlone: true,
    }
  }

  function sets(capability: string, privilege: string, parameter: string, to: string) {
    const by = `${privilege} on the parameter ${parameter}`
    return { ...grants(capability, `${privilege} on parameter ${parameter}`, to), by, since: 15 }
  }

  function calls(kind: string, given: string, taken: string, what: string) {
    const body = kind.includes('plpgsql') ? 'begin end' : 'select true'
    return {
      capability: 'run_as_owner',
      given: `create function public.mine() ${kind} as '${body}'; alter function public.mine() owner to :app; ${given}`,
      taken: `${taken}; drop function public.mine()`,
      by: `owner of the function public.mine, which ${what} calls`,
      isAlone: true,
    }
  }

  function grants(capability: string, what: string, to: string) {
    return {
      capability,
      given: `grant ${what} to ${to}`,
      taken: `revoke ${what} from ${to}`,
      by: what,
    }
  }

  function joins(capability: string, role: string, since = 14) {
    const by = `member of ${role} (as ${role})`
    return { ...grants(capability, role, ':app'), by, since }
  }

  function is(capability: string, attribute: string) {
    const given = `alter role :app ${attribute}`
    return { capability, given, taken: `alter role :app no${attribute}`, by: attribute }
  }

  function owns(capability: string, what: string, before: string, by: string) {
    const given = `alter ${what} owner to :app`
    return { capability, given, taken: `alter ${what} owner to ${before}`, by }
  }

  let it: Awaited<ReturnType<typeof separated>>
  let group: Role
  beforeAll(async () => {
    it = await separated()
    group = await it.database.role()
    await it.database.query(`
      create type shop.color as enum ('red');
      alter table shop.orders add color shop.color;
      grant ${group.name} to ${it.app.name}`)
    const log = await it.as(it.owner)
    await log.sync()
    await log.signContexts('k'.repeat(32))
    await it.audit.harden({ appRole: it.app.name, adminRole: it.admin.name })
  })

  test('tells of everything by which a role could get around it', async () => {
    const { database, audit, app, migrator, owner } = it
    const possible = cases.filter(({ since = 14 }) => since <= version)
    const run = async (statement: string) => {
      const names = {
        group: group.name,
        app: app.name,
        migrator: migrator.name,
        owner: owner.name,
        database: database.name,
      }
      await database.query(
        statement.replace(/:(\w+)/g, (_, name: keyof typeof names) => names[name]),
      )
    }
    const together = possible.filter(({ isAlone }) => !isAlone)
    for (const some of [
      together,
      ...possible.filter(({ isAlone }) => isAlone).map((one) => [one]),
    ]) {
      for (const { given } of some) await run(given)
      const done = await audit.harden({ appRole: app.name, dryRun: true })
      for (const { taken } of some) await run(taken)
      const without = await audit.harden({ appRole: app.name, dryRun: true })
      for (const { capability, by } of some) {
        expect(how(done, capability, app)).toContain(by)
        expect(how(without, capability, app)).toEqual([])
      }
    }
  })

  test('tells of CREATEROLE where that reaches every role', async () => {
    const { database, audit, app } = it
    await database.query(`alter role ${app.name} createrole`)
    const done = await audit.harden({ appRole: app.name, dryRun: true })
    await database.query(`alter role ${app.name} nocreaterole`)
    expect(how(done, 'grant_roles', app)).toEqual(version < 16 ? ['CREATEROLE'] : [])
  })
})

test('status tells what was undone since, and hardening again mends it', async () => {
  const { audit, app, admin, owner, database, migrator, as } = await separated()
  const options = { appRole: app.name, adminRole: admin.name }
  await audit.harden(options)
  const undone = async () =>
    (await audit.status()).findings
      .filter(({ code }) => code.startsWith('hardening'))
      .map(({ code, severity, message }) => [code, severity, message])
  expect(await undone()).toEqual([])

  for (const change of [
    `grant insert on auditrum.audit_event_overflow to ${app.name}`,
    `grant usage on schema auditrum to public`,
    `grant execute on function auditrum.untrack to ${app.name}`,
    `grant trigger on shop.orders to ${app.name}`,
    `revoke execute on function auditrum.maintain from ${admin.name}`,
    // as pg_restore --no-privileges leaves it
    `update pg_proc set proacl = null where pronamespace = 'auditrum'::regnamespace;
     update pg_class set relacl = null where relnamespace = 'auditrum'::regnamespace;
     update pg_namespace set nspacl = null where nspname = 'auditrum'`,
  ]) {
    await database.query(change)
    expect(await undone()).toContainEqual([
      'hardening_undone',
      'error',
      expect.stringMatching(/^The log was hardened against .*, and that is no longer whole/),
    ])
    expect((await audit.harden(options)).changes.length).toBeGreaterThan(0)
    expect(await undone()).toEqual([])
  }

  await database.query(`alter table shop.orders owner to ${app.name}`)
  expect(await undone()).toEqual([
    ['hardening_incomplete', 'warning', expect.stringContaining('owner of shop.orders')],
  ])
  await database.query(`alter table shop.orders owner to ${migrator.name}`)
  // what was given comes back with an upgrade, also where all of it was dropped to be made anew
  await database.query(
    'drop function auditrum.maintain cascade; drop function auditrum.warn_of_gaps cascade',
  )
  await new Auditrum(await owner.client(), { tables: [track('shop.orders')] }).sync()
  expect(await undone()).toEqual([])
  // but for the owner of a table, which is another one since
  expect((await audit.harden(options)).changes).toEqual([
    `GRANT EXECUTE ON ROUTINE auditrum.capture_1() TO ${migrator.name}`,
  ])
  expect((await audit.status()).ok).toBe(true)

  // a role that was meant by mistake
  await audit.harden({ appRole: migrator.name })
  expect(await undone()).not.toEqual([])
  await expect(audit.forgetHardening('nobody')).rejects.toThrow(
    `The log was not hardened against nobody. Give one of these: ${[app.name, migrator.name].sort().join(', ')}.`,
  )
  await expect((await as(app)).forgetHardening(app.name)).rejects.toMatchObject({
    code: 'AUDITRUM_SCHEMA',
  })
  await audit.forgetHardening(migrator.name)
  expect(await undone()).toEqual([])
})

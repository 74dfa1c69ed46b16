/**
 * What an attacker who has the application's connection tries. Each attempt runs in a session of its
 * own, and ends in one of three ways.
 */
export interface Attempt {
  /** As it stands in the docs. */
  readonly title: string
  /**
   * `refused`: the last statement fails. `recorded`: it does not help: what is written afterwards in the
   * same session is recorded as it is. `reach`: it does something, and the docs say what ends that.
   */
  readonly outcome: 'refused' | 'recorded' | 'reach'
  readonly sql: readonly string[]
  /** SQLSTATEs with which the last statement may be refused. */
  readonly codes?: readonly string[]
  /** The events that come of it, as `operation table id`, where it writes by itself. */
  readonly events?: readonly string[]
  /** Of `reach`: a query over the log that shows what it did. */
  readonly effect?: string
  /** Of `reach`: what ends that. */
  readonly remedy?: string
  /** Whether `letRead` allows it. */
  readonly unlessReader?: boolean
  /** The first version that has the statement. */
  readonly since?: number
}

const write = `update shop.orders set note = 'changed' where id = 1`
const DENIED = ['42501']

function refused(title: string, sql: string | readonly string[], codes = DENIED): Attempt {
  return { title, outcome: 'refused', sql: [sql].flat(), codes }
}

function recorded(
  title: string,
  sql: string | readonly string[],
  events?: readonly string[],
): Attempt {
  return { title, outcome: 'recorded', sql: [sql].flat(), ...(events && { events }) }
}

function reach(title: string, sql: readonly string[], effect: string, remedy: string): Attempt {
  return { title, outcome: 'reach', sql, effect, remedy }
}

const onTheLog: readonly Attempt[] = [
  refused(
    'insert an event',
    `insert into auditrum.audit_event (changed_at, txid, context_id, table_id, operation, image, db_user)
      values (now(), pg_current_xact_id(), 1, 1, 'U', 'f', 'somebody')`,
  ),
  refused('change events', `update auditrum.audit_event set db_user = 'somebody'`),
  refused('delete events', 'delete from auditrum.audit_event'),
  refused('TRUNCATE the log', 'truncate auditrum.audit_event'),
  refused('COPY into the log', 'copy auditrum.audit_event from stdin'),
  {
    ...refused(
      'MERGE into the log',
      'merge into auditrum.audit_event using (select 1) as one on true when matched then delete',
    ),
    since: 15,
  },
  refused('write to a partition directly', 'delete from auditrum.audit_event_overflow'),
  refused('TRUNCATE a partition', 'truncate auditrum.audit_event_overflow'),
  refused('change contexts', `update auditrum.audit_context set user_id = 'somebody'`),
  refused('write through the view', 'delete from auditrum.contexts', ['42501', '55000']),
  refused(
    'change what the log knows of a table',
    `update auditrum.audit_table set tracked = '{}', declaration = '{}'`,
  ),
  refused('allow pausing', `insert into auditrum.audit_setting values ('pausing_allowed', 'true')`),
  refused('draw ids of events', `select nextval('auditrum.audit_event_id_seq')`),
  refused('set the ids of events', `select setval('auditrum.audit_event_id_seq', 1)`),
  refused('restart the ids of events', 'alter sequence auditrum.audit_event_id_seq restart'),
  refused('drop the log', 'drop schema auditrum cascade'),
  refused('drop a partition', 'drop table auditrum.audit_event_overflow'),
  refused(
    'detach a partition',
    'alter table auditrum.audit_event detach partition auditrum.audit_event_overflow',
  ),
  refused('rename the schema of the log', 'alter schema auditrum rename to gone'),
  refused('rename a table of the log', 'alter table auditrum.audit_event rename to gone'),
  refused('move a table of the log', 'alter table auditrum.audit_event set schema theirs'),
  refused('drop a column of the log', 'alter table auditrum.audit_event drop column old'),
  refused(
    'add a constraint that no event fits',
    'alter table auditrum.audit_event add check (false)',
  ),
  refused(
    'add an index that no second event fits',
    'create unique index on auditrum.audit_event (table_id, changed_at)',
  ),
  refused(
    'have a rule discard events',
    'create rule none as on insert to auditrum.audit_event do instead nothing',
  ),
  refused(
    'have a trigger discard events',
    `create trigger none before insert on auditrum.audit_event
      for each row execute function theirs.nothing()`,
  ),
  refused(
    'hide events by row security',
    'alter table auditrum.audit_event enable row level security',
  ),
  refused('own the log', 'alter table auditrum.audit_event owner to current_user'),
  refused('grant itself rights', 'grant all on auditrum.audit_event to current_user'),
  refused('lock the log, so that nobody can write', [
    'begin',
    'lock table auditrum.audit_event in access exclusive mode',
  ]),
  refused('reindex the log, and lock it by that', 'reindex table auditrum.audit_event_overflow'),
  refused('create an object in the schema of the log', 'create table auditrum.audit_other ()'),
  refused(
    'say that the log has another version',
    `comment on schema auditrum is 'auditrum schema version 999'`,
  ),
  { ...refused('read the log', 'select from auditrum.auditlog'), unlessReader: true },
  refused('read the tables of the log', 'select new from auditrum.audit_event'),
  refused('read the keys of signed contexts', 'select from auditrum.audit_key', ['42501', '42P01']),
]

const onFunctions: readonly Attempt[] = [
  refused('write a context', `select auditrum.write_context('{"user_id": "somebody"}')`),
  refused('stop the recording of a table', `select auditrum.untrack('shop.orders')`),
  refused('drop a trigger function by its id', 'select auditrum.drop_capture(1)'),
  refused('declare a table anew, without columns', `select auditrum.track('shop.orders')`),
  refused('pause', 'select auditrum.pause()'),
  refused('take the keys of signatures away', 'select auditrum.sign_contexts(null)'),
  refused('write snapshots', `select auditrum.backfill('shop.orders')`),
  refused('let itself read', 'select auditrum.let_read(current_user::regrole)'),
  refused('call housekeeping', 'select auditrum.maintain()'),
  refused(
    'replace a trigger function',
    `create or replace function auditrum.capture_1() returns trigger language plpgsql
      as 'begin return null; end'`,
  ),
  refused(
    'give a trigger function another search_path',
    'alter function auditrum.capture_1() set search_path = theirs',
  ),
  refused(
    'take its owner’s rights from a trigger function',
    'alter function auditrum.capture_1() security invoker',
  ),
  refused('drop a trigger function', 'drop function auditrum.capture_1() cascade'),
  refused('record rows of its own table as those of another', [
    'create table theirs.orders (id integer primary key)',
    `create trigger "00_auditrum" after insert on theirs.orders
      for each row execute function auditrum.capture_1()`,
  ]),
]

const onTables: readonly Attempt[] = [
  refused('disable a trigger', 'alter table shop.orders disable trigger "00_auditrum"'),
  refused('drop a trigger', 'drop trigger "00_auditrum" on shop.orders'),
  refused('rename a trigger', 'alter trigger "00_auditrum" on shop.orders rename to gone'),
  refused(
    'replace a trigger by one that does nothing',
    `create or replace trigger "00_auditrum" after insert or update or delete on shop.orders
      for each row execute function theirs.nothing()`,
  ),
  refused(
    'put a trigger before ours that changes the row again',
    `create trigger "00_a" after update on shop.orders for each row execute function theirs.nothing()`,
  ),
  refused(
    'have a rule turn writes away',
    'create rule elsewhere as on update to shop.orders do instead nothing',
  ),
  refused('rename a recorded table', 'alter table shop.orders rename to gone'),
  refused('rename a recorded column', 'alter table shop.orders rename column note to remark'),
  refused('drop a recorded table', 'drop table shop.orders cascade'),
  refused('TRUNCATE a recorded table', 'truncate shop.orders cascade'),
  refused(
    'make a child of a recorded table, without triggers',
    'create table theirs.child () inherits (shop.orders)',
  ),
  refused(
    'make a partition of a recorded table, without triggers',
    `create table theirs.visits_2030 partition of shop.visits for values from ('2030-01-01') to ('2031-01-01')`,
  ),
  refused(
    'hide rows from the trigger by row security',
    'alter table shop.orders enable row level security',
  ),
  refused('run its own code in a cast to json', [
    `create function theirs.as_json(shop.color) returns json language sql return '{}'::json`,
    'create cast (shop.color as json) with function theirs.as_json(shop.color)',
  ]),
  refused('run its own code in the check of a domain', [
    `alter domain shop.amount add check (theirs.yes())`,
  ]),
  refused('write without a context where one is required', 'insert into shop.payments values (9)', [
    'AU001',
  ]),
  refused(
    'pretend to have a context where one is required',
    [
      'begin',
      `select set_config('auditrum.remembered',
        pg_current_xact_id()::text || ' ' || hashtextextended('', 0) || ' 4711 (0,1)', true)`,
      'insert into shop.payments values (9)',
    ],
    ['AU001'],
  ),
  refused(
    'end the statement before its event',
    [`set statement_timeout = '50ms'`, `${write} returning pg_sleep(2)`],
    ['57014'],
  ),
  refused(
    'put nonsense where the context is remembered',
    [
      'begin',
      `select set_config('auditrum.remembered',
        pg_current_xact_id()::text || ' ' || hashtextextended('', 0) || ' x', true)`,
      write,
    ],
    ['22P02'],
  ),
]

const onTheServer: readonly Attempt[] = [
  refused('silence triggers', `set session_replication_role = replica`),
  refused(
    'silence triggers by a function',
    `select set_config('session_replication_role', 'replica', false)`,
  ),
  refused(
    'silence triggers for its next sessions',
    'alter role current_user set session_replication_role = replica',
  ),
  refused('silence triggers for everybody', 'alter system set session_replication_role = replica'),
  refused('become the owner of the log', 'set role :owner'),
  refused('become somebody else', 'set session authorization :owner'),
  refused('make itself a member of the owner of the log', 'grant :owner to current_user'),
  refused('take over what the owner of the log has', 'reassign owned by :owner to current_user'),
  refused('drop what the owner of the log has', 'drop owned by :owner cascade'),
  refused(
    'have later objects of the log opened to it',
    'alter default privileges for role :owner grant all on tables to current_user',
  ),
  refused('make itself a superuser', 'alter role current_user superuser'),
  refused('make a superuser', 'create role their_superuser superuser'),
  refused(
    'create an event trigger',
    'create event trigger theirs on ddl_command_end execute function theirs.nothing()',
  ),
  refused('apply rows without triggers by a subscription', [
    `create subscription theirs connection 'dbname=x' publication x with (connect = false)`,
  ]),
  refused('publish the log', 'create publication theirs for all tables'),
  refused(
    'keep a replication slot',
    `select pg_create_logical_replication_slot('theirs', 'pgoutput')`,
    ['42501', '55000'],
  ),
  refused('run a program on the server', `copy shop.orders to program 'true'`),
  refused('read a file of the server', `select pg_read_file('PG_VERSION')`),
  refused('import a file of the server', `select lo_import('/etc/hostname')`),
  refused('load a library', `load 'plpgsql_theirs'`, ['42501', '58P01']),
  refused('connect back as somebody else (dblink)', 'create extension dblink', [
    '42501',
    '58P01',
    '0A000',
  ]),
  refused(
    'end the sessions of others',
    `select pg_terminate_backend(pid) from pg_stat_activity where usename = 'postgres' and datname = current_database()`,
  ),
  refused(
    'put a function into pg_catalog',
    'create function pg_catalog.to_jsonb(text) returns jsonb language sql return null::jsonb',
  ),
]

const inTheSession: readonly Attempt[] = [
  recorded('functions of our names in front of the path', 'set search_path = theirs, pg_catalog'),
  recorded('temporary tables of our names', [
    'create temporary table audit_event (like shop.orders)',
    'create temporary table audit_context ()',
    'create temporary table pg_trigger ()',
    'set search_path = pg_temp, pg_catalog',
  ]),
  recorded('temporary functions of our names', [
    `create function pg_temp.to_jsonb(anyelement) returns jsonb language sql as $$ select '{}'::jsonb $$`,
    `create function pg_temp.clock_timestamp() returns timestamptz language sql return '2000-01-01'::timestamptz`,
    'set search_path = pg_temp, pg_catalog',
  ]),
  recorded('a log of its own', [
    'create table theirs.audit_event (like shop.orders)',
    'create sequence theirs.audit_event_id_seq',
    'set search_path = theirs',
  ]),
  recorded('DateStyle, TimeZone, IntervalStyle', [
    `set datestyle = 'SQL, DMY'`,
    `set timezone = 'Asia/Kathmandu'`,
    `set intervalstyle = 'iso_8601'`,
  ]),
  recorded('extra_float_digits, bytea_output', [
    'set extra_float_digits = -15',
    'set bytea_output = escape',
  ]),
  recorded('standard_conforming_strings, array_nulls, quote_all_identifiers', [
    'set array_nulls = off',
    'set quote_all_identifiers = on',
    'set transform_null_equals = on',
  ]),
  recorded('xmlbinary, xmloption, lc_monetary', [
    'set xmlbinary = hex',
    'set xmloption = document',
    `set lc_monetary = 'C'`,
  ]),
  recorded('row_security, check_function_bodies', [
    'set row_security = off',
    'set check_function_bodies = off',
  ]),
  recorded('another encoding', `set client_encoding = 'LATIN1'`),
  recorded('DISCARD ALL', 'discard all'),
  recorded('every advisory lock that it can think of', [
    `select pg_advisory_lock(key) from generate_series(0, 500) as key`,
    `select pg_advisory_lock(hashtext('auditrum'))`,
  ]),
  recorded('deferred constraints', ['begin', 'set constraints all deferred']),
  recorded('large objects, LISTEN and NOTIFY', [
    'select lo_create(0)',
    'listen auditrum',
    `notify auditrum, 'nothing'`,
  ]),
  recorded('a context that is no JSON', `set auditrum.context = '{'`),
  recorded('a context of a megabyte', `set auditrum.context = '${'x'.repeat(1_000_000)}'`),
  recorded(
    'a context that is nested 30,000 times',
    `set auditrum.context = '${'['.repeat(30_000)}${']'.repeat(30_000)}'`,
  ),
  recorded(
    'a context with a number of 100,000 digits',
    `set auditrum.context = '{"user_id": 1e100000}'`,
  ),
  recorded('a context with a NUL', `set auditrum.context = '{"user_id": "\\u0000"}'`),
  recorded(
    'a context with uuids that are none',
    `set auditrum.context = '{"v": 1, "id": "x", "root": 7, "metadata": {}}'`,
  ),
  recorded('a context of a version to come', `set auditrum.context = '{"v": 99, "metadata": 7}'`),
  recorded('a user of a megabyte', `set auditrum.context = '{"user_id": "${'x'.repeat(60_000)}"}'`),
  recorded('a context that is rolled back to a savepoint', [
    'begin',
    'savepoint before',
    `set local auditrum.context = '{"user_id": "bob"}'`,
    write,
    'rollback to savepoint before',
  ]),
]

const byWriting: readonly Attempt[] = [
  recorded(
    'ON CONFLICT',
    `insert into shop.orders (id) values (1) on conflict (id) do update set note = 'changed'`,
    ['update orders 1'],
  ),
  {
    ...recorded(
      'MERGE',
      `merge into shop.orders using (select 1 as id) as new on orders.id = new.id
        when matched then update set note = 'changed'`,
      ['update orders 1'],
    ),
    since: 15,
  },
  recorded(
    'a write inside a query',
    `with changed as (${write} returning id) select from changed`,
    ['update orders 1'],
  ),
  recorded(
    'a view of its own',
    [
      'create view theirs.orders_view as select id, note from shop.orders',
      `update theirs.orders_view set note = 'changed' where id = 1`,
    ],
    ['update orders 1'],
  ),
  recorded(
    'a block that swallows errors',
    `do $$ begin ${write}; exception when others then null; end $$`,
    ['update orders 1'],
  ),
  recorded(
    'a cursor',
    [
      'begin',
      'declare one cursor for select from shop.orders where id = 1 for update',
      'fetch one',
      `update shop.orders set note = 'changed' where current of one`,
      'commit',
    ],
    ['update orders 1'],
  ),
  recorded('a partition', `insert into shop.visits_2026 values (5, '2026-05-05')`, [
    'insert visits [5, "2026-05-05"]',
  ]),
  recorded(
    'a row that moves to another partition',
    `update shop.visits set at = '2027-05-05' where id = 1`,
    ['delete visits [1, "2026-01-01"]', 'insert visits [1, "2027-05-05"]'],
  ),
  recorded('what a foreign key deletes', 'delete from shop.orders where id = 2', [
    'delete orders 2',
    'delete items 2',
  ]),
  recorded(
    'there and back in one transaction',
    ['begin', write, 'update shop.orders set note = null where id = 1', 'commit'],
    ['update orders 1', 'update orders 1'],
  ),
  recorded(
    'two-phase commit',
    [
      'begin',
      write,
      `prepare transaction 'theirs_:database'`,
      `commit prepared 'theirs_:database'`,
    ],
    ['update orders 1'],
  ),
  recorded(
    'a transaction of the highest isolation',
    ['begin isolation level serializable', write, 'commit'],
    ['update orders 1'],
  ),
]

const outOfReach: readonly Attempt[] = [
  reach(
    'claim to be another user',
    [`set auditrum.context = '{"user_id": "somebody"}'`, write],
    `select from auditrum.auditlog where user_id = 'somebody' and db_user = :app`,
    'Sign contexts: `signContexts` takes this from injected SQL, not from who holds the key. `db_user` and `client_addr` stay facts.',
  ),
  reach(
    'claim to belong to another request',
    [
      `set auditrum.context = '{"v": 1, "id": "0b7c4a0e-8e0f-4b2a-9a53-6f1d3a5d2c10",
        "root": "0b7c4a0e-8e0f-4b2a-9a53-6f1d3a5d2c11", "metadata": {}}'`,
      write,
    ],
    `select from auditrum.auditlog where root_uuid = '0b7c4a0e-8e0f-4b2a-9a53-6f1d3a5d2c11'`,
    'Sign contexts.',
  ),
  reach(
    'write without saying who',
    [`set auditrum.context = ''`, write],
    `select from auditrum.auditlog where user_id is null and db_user = :app`,
    'Declare the table with `requireContext: "actor"`; `status` counts such events (`events_without_actor`).',
  ),
  reach(
    'have an event point at no context',
    [
      'begin',
      `select set_config('auditrum.remembered',
        pg_current_xact_id()::text || ' ' || hashtextextended('', 0) || ' 4711 (0,1)', true)`,
      write,
      'commit',
    ],
    `select from auditrum.auditlog where context_id is null and user_id is null and db_user = :app`,
    'Declare the table with `requireContext`; `status` finds such events (`events_without_context`). Nobody else is blamed: a context counts for its own transaction alone.',
  ),
  reach(
    'give its connection another name',
    [`set application_name = 'psql of the auditor'`, write],
    `select from auditrum.auditlog where application_name = 'psql of the auditor' and db_user = :app`,
    'Do not rely on `application_name`: it is a claim.',
  ),
  reach(
    'leave gaps in the ids of events',
    ['begin', write, 'rollback', write],
    `select from auditrum.audit_event as event
      where not exists (select from auditrum.audit_event as before where before.id = event.id - 1) and event.id > :marker`,
    'Take no gap for a deleted event: whatever is rolled back leaves one.',
  ),
  reach(
    'lock recorded tables, so that others wait',
    ['begin', 'lock table shop.orders in access exclusive mode', 'commit', write],
    `select from auditrum.auditlog where db_user = :app and id > :marker`,
    'Whoever may change a table may lock it: give others a `lock_timeout`, and watch `pg_locks`. Nothing goes unrecorded.',
  ),
  reach(
    'fill the log with changes that mean nothing',
    [`update shop.orders set note = 'changed' || step from generate_series(1, 1) as step`],
    `select from auditrum.auditlog where db_user = :app and id > :marker`,
    'Watch the size that `status` tells, and who writes: `db_user` is on every event.',
  ),
]

/** All of them. */
export const attempts: readonly Attempt[] = [
  ...onTheLog,
  ...onFunctions,
  ...onTables,
  ...onTheServer,
  ...inTheSession,
  ...byWriting,
  ...outOfReach,
]

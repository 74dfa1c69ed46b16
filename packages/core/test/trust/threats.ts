import type { ChainProblem } from '../../src/index.js'

/** What somebody with all rights on the database does to a sealed log, and who notices. */
export interface Threat {
  readonly title: string
  /** SQL, in one transaction. The log is that of {@link sealed}. */
  readonly act: string
  /** What verifyChain says of it, without a digest; null where it says nothing, and with a digest from outside. */
  readonly database: readonly ChainProblem['kind'][] | null
  readonly digest: readonly ChainProblem['kind'][] | null
  /** What to know about it. */
  readonly remark?: string
}

/**
 * Four blocks: orders 1 to 10 of ann, 11 to 20 of bob, 21 to 30 of bob in the partition of next month, 31
 * to 40 of ann. Event 41 was rolled back. The digest is of all of them; an order that came later is pending.
 */
export const sealed = [
  `begin; set local auditrum.context = '{"user_id": "ann", "change_reason": "opening"}'; insert into orders select n, n from generate_series(1, 10) n; commit`,
  'select auditrum.seal()',
  `begin; set local auditrum.context = '{"user_id": "bob"}'; insert into orders select n, n from generate_series(11, 20) n; commit`,
  'select auditrum.seal()',
  `begin; set local auditrum.context = '{"user_id": "bob"}'; insert into orders select n, n from generate_series(21, 30) n;
   update auditrum.audit_event set changed_at = date_trunc('month', changed_at) + interval '1 month 1 day' where id > 20; commit`,
  'select auditrum.seal()',
  `begin; set local auditrum.context = '{"user_id": "ann"}'; insert into orders select n, n from generate_series(31, 40) n; commit`,
  'begin; insert into orders values (99, 99); rollback',
  'select auditrum.seal()',
]

const event = 'auditrum.audit_event'
/** Whoever owns the log can write entries as the sealer does. */
const resealed = `
  delete from auditrum.audit_leaf where block > 0;
  delete from auditrum.audit_seal where id > 0;
  select auditrum.seal(10);`
const partition = `(select tableoid::regclass from ${event} where id = 25)`
const leafOf5 = `(select encode(auditrum.event_leaf(event, context), 'hex') from ${event} as event join auditrum.audit_context as context on context.id = event.context_id where event.id = 5)`

/** An event is put there with an id of one's own. */
function forged(id: number, txid = 'txid'): string {
  return `insert into ${event} (id, changed_at, txid, context_id, table_id, operation, image, object_id, new, db_user, salt)
    select ${id}, changed_at, ${txid}, context_id, table_id, operation, image, '77', '{"id": 77}', db_user, salt from ${event} where id = 5`
}

/** The owner of the log says that event 5 was redacted to what it is now, and leaves a record of that. */
function redaction(id: string, events = 1): string {
  return `with erasure as (
      insert into auditrum.audit_erasure (context_id, columns, events, contexts, entries)
      select context_id, '{total}', 1, 0, array[(select max(id) + 1 from auditrum.audit_seal)] from ${event} where id = 5
      returning *
    )
    select auditrum.seal_append('redact', jsonb_build_object('erasure', erasure.id::text, 'record', encode(auditrum.erasure_record(erasure::text::auditrum.audit_erasure), 'hex'),
      'events', ${events}, 'columns', '["total"]'::jsonb,
      'redacted', jsonb_build_array(jsonb_build_object('event', '${id}', 'block', 1, 'place', 4, 'columns', '["total"]'::jsonb, 'leaf', ${leafOf5}))))
    from erasure`
}

/** Or that so many of block 2 were retired. */
function retirement(events: number, which = ''): string {
  return `with purge as (
      insert into auditrum.audit_purge (context_id, targets, drops, contexts_before)
      select context_id, '{}', false, now() from ${event} where id = 5
      returning *
    )
    select auditrum.seal_append('retire', jsonb_build_object('purge', purge.id::text, 'record', encode(auditrum.purge_record(purge::text::auditrum.audit_purge), 'hex'),
      'events', ${events}, 'retired', '[{"block": 2, "events": ${events}${which}}]'::jsonb))
    from purge`
}

/** Seals the newest event, by hand, in a block with this snapshot. */
const ownBlock = (snapshot: string) => `
  with forged as (
    select event.id, event.changed_at, auditrum.event_leaf(event, context) as leaf
    from ${event} as event left join auditrum.audit_context as context on context.id = event.context_id and context.txid = event.txid
    order by event.id desc limit 1
  ), last as (
    select entry ->> 'snapshot' as snapshot, entry from auditrum.audit_seal order by id desc limit 1
  ), block as materialized (
    select auditrum.seal_append('block', jsonb_build_object('incarnation', (entry ->> 'incarnation')::int, 'snapshot', ${snapshot}, 'sequence', entry ->> 'sequence',
      'more', false, 'events', 1, 'last', forged.id::text, 'root', encode(leaf, 'hex'), 'tables', '{}'::jsonb)) as id
    from forged, last
  )
  insert into auditrum.audit_leaf select block.id, forged.id, forged.id, changed_at, changed_at, array[forged.id], leaf from block, forged`

export const threats: readonly Threat[] = [
  {
    title: 'the data of an event is edited',
    act: `update ${event} set new = new || '{"total": 0}' where id = 5`,
    database: ['edited'],
    digest: ['edited'],
  },
  {
    title: 'what it says of who: the database role',
    act: `update ${event} set db_user = 'intern' where id = 5`,
    database: ['edited'],
    digest: ['edited'],
  },
  {
    title: 'what it says of who and why: the context',
    act: `update auditrum.audit_context set user_id = 'eve', metadata = '{"user_id": "eve"}' where user_id = 'bob' and id = (select context_id from ${event} where id = 15)`,
    database: Array.from({ length: 10 }, () => 'edited' as const),
    digest: Array.from({ length: 10 }, () => 'edited' as const),
  },
  {
    title: 'an event is given to another context',
    act: `update ${event} as one set context_id = other.context_id, txid = other.txid from ${event} as other where one.id = 5 and other.id = 15`,
    database: ['edited'],
    digest: ['edited'],
  },
  {
    title: 'which row it is about',
    act: `update ${event} set object_id = '6' where id = 5`,
    database: ['edited'],
    digest: ['edited'],
  },
  {
    title: 'when it was, into another partition',
    act: `update ${event} set changed_at = changed_at + interval '2 months' where id = 5`,
    database: ['edited'],
    digest: ['edited'],
  },
  {
    title: 'the contents of two events are exchanged',
    act: `update ${event} as one set new = other.new, object_id = other.object_id from ${event} as other where (one.id, other.id) in ((5, 6), (6, 5))`,
    database: ['edited', 'edited'],
    digest: ['edited', 'edited'],
  },
  {
    title: 'an event is deleted',
    act: `delete from ${event} where id = 15`,
    database: ['missing'],
    digest: ['missing'],
  },
  {
    title: 'the newest events are deleted',
    act: `delete from ${event} where id > 38`,
    database: ['missing', 'missing'],
    digest: ['missing', 'missing'],
  },
  {
    title: 'a block in the middle, with its events and leaves',
    act: `delete from ${event} where id between 11 and 20; delete from auditrum.audit_leaf where block = 2; delete from auditrum.audit_seal where id = 2`,
    database: ['rewritten'],
    digest: ['rewritten', 'rewritten'],
  },
  {
    title: 'a partition is dropped',
    act: `do $$ begin execute 'drop table ' || ${partition}; end $$`,
    database: Array.from({ length: 10 }, () => 'missing' as const),
    digest: Array.from({ length: 10 }, () => 'missing' as const),
  },
  {
    title: 'a partition is swapped for an edited copy',
    act: `do $$ declare part regclass := ${partition}; bound text := (select pg_get_expr(relpartbound, oid) from pg_class where oid = part); begin
      execute format('create table auditrum.swapped (like %s including all)', part);
      execute format('insert into auditrum.swapped select * from %s', part);
      update auditrum.swapped set new = '{"id": 25, "total": 1}' where id = 25;
      execute format('alter table ${event} detach partition %s', part);
      execute format('drop table %s', part);
      execute format('alter table ${event} attach partition auditrum.swapped %s', bound);
    end $$`,
    database: ['edited'],
    digest: ['edited'],
  },
  {
    title: 'an event is forged into what is sealed',
    act: `insert into ${event} (id, changed_at, txid, context_id, table_id, operation, image, object_id, new, db_user, salt)
      select 0, changed_at, txid, context_id, table_id, operation, image, '77', '{"id": 77}', db_user, salt from ${event} where id = 5`,
    database: ['added'],
    digest: ['added'],
  },
  {
    title: 'its leaf is put into a block as well',
    act: `insert into ${event} (id, changed_at, txid, context_id, table_id, operation, image, object_id, new, db_user, salt)
        select 0, changed_at, txid, context_id, table_id, operation, image, '77', '{"id": 77}', db_user, salt from ${event} where id = 5;
      update auditrum.audit_leaf set first_id = 0, ids = 0::bigint || ids, hashes = (
        select auditrum.event_leaf(event, context) from ${event} as event join auditrum.audit_context as context on context.id = event.context_id where event.id = 0
      ) || hashes where block = 1`,
    database: ['rewritten'],
    digest: ['rewritten'],
  },
  {
    title: 'a leaf is moved from one block to another',
    act: `update auditrum.audit_leaf as one set ids[1] = other.ids[1], hashes = substr(other.hashes, 1, 32) || substr(one.hashes, 33)
      from auditrum.audit_leaf as other where (one.block, other.block) in ((1, 2), (2, 1))`,
    database: ['rewritten', 'rewritten', 'added'],
    digest: ['rewritten', 'rewritten', 'added'],
  },
  {
    title: 'an event is edited, and its leaf with it',
    act: `update ${event} set new = '{}' where id = 5;
      update auditrum.audit_leaf set hashes = substr(hashes, 1, 128) || (
        select auditrum.event_leaf(event, context) from ${event} as event join auditrum.audit_context as context on context.id = event.context_id where event.id = 5
      ) || substr(hashes, 161) where block = 1`,
    database: ['rewritten'],
    digest: ['rewritten'],
  },
  {
    title: 'an event is deleted, and its id in the block made one that nobody looks for',
    act: `delete from ${event} where id = 15; update auditrum.audit_leaf set ids[5] = -5 where block = 2`,
    database: ['rewritten'],
    digest: ['rewritten'],
  },
  {
    title: 'a block is deleted, and its leaves said to be of events far away',
    act: `delete from ${event} where id between 11 and 20; update auditrum.audit_leaf set first_id = 100000000, last_id = 100000000 where block = 2`,
    database: ['rewritten'],
    digest: ['rewritten'],
  },
  {
    title: 'an event is forged, with a block that is not in the chain',
    act: `insert into ${event} (id, changed_at, txid, context_id, table_id, operation, image, object_id, new, db_user)
        select 0, changed_at, txid, context_id, table_id, operation, image, '77', '{"id": 77}', db_user from ${event} where id = 5;
      insert into auditrum.audit_leaf select -1, 0, 0, since, until, '{0}', (
        select auditrum.event_leaf(event, context) from ${event} as event join auditrum.audit_context as context on context.id = event.context_id where event.id = 0
      ) from auditrum.audit_leaf where block = 1`,
    database: ['added'],
    digest: ['added'],
  },
  {
    title: 'an event is edited, and said to be redacted before the chain began',
    act: `update ${event} set new = '{}' where id = 5;
      insert into auditrum.audit_seal select -1, json_build_object('kind', 'redact', 'redacted', json_build_array(json_build_object('block', 1, 'place', 4, 'leaf', encode(auditrum.event_leaf(event, context), 'hex'))))
        from ${event} as event join auditrum.audit_context as context on context.id = event.context_id where event.id = 5`,
    database: ['rewritten', 'rewritten', 'edited'],
    digest: ['rewritten', 'rewritten', 'rewritten', 'edited'],
  },
  {
    title: 'and the root of its block',
    act: `update ${event} set new = '{}' where id = 5;
      update auditrum.audit_leaf set hashes = substr(hashes, 1, 128) || (
        select auditrum.event_leaf(event, context) from ${event} as event join auditrum.audit_context as context on context.id = event.context_id where event.id = 5
      ) || substr(hashes, 161) where block = 1;
      update auditrum.audit_seal set entry = (entry::jsonb || jsonb_build_object('root', encode((
        select auditrum.merkle_root(hashes) from auditrum.audit_leaf where block = 1
      ), 'hex')))::json where id = 1`,
    database: ['rewritten'],
    digest: ['rewritten', 'rewritten'],
  },
  {
    title: 'events are deleted, and said to be retired, where some are left',
    act: `${retirement(10)};
      delete from ${event} where id between 11 and 18`,
    database: ['retired', 'retired'],
    digest: ['retired', 'retired'],
  },
  {
    title: 'values are taken out, and called redacted',
    act: `update ${event} set new = '{"id": 5}', redacted = '{total}', salt = uuid_send(gen_random_uuid()) where id = 5`,
    database: ['redacted'],
    digest: ['redacted'],
  },
  {
    title: 'another column of an event that was erased in part is edited',
    act: `select auditrum.erase('orders', '5', 'asked to', '{total}'); update ${event} set db_user = 'intern' where id = 5`,
    database: ['edited'],
    digest: ['edited'],
  },
  {
    title: 'an event is forged with an id far ahead, as of a transaction long over',
    act: forged(1e12),
    database: ['added'],
    digest: ['added'],
  },
  {
    title: 'or as of a transaction that is still to come',
    act: forged(1e12, `'4000000000000'::xid8`),
    database: ['added'],
    digest: ['added'],
  },
  {
    title: 'a row is there twice, once its primary key is gone',
    act: `alter table ${event} drop constraint audit_event_pkey; insert into ${event} select * from ${event} where id = 5`,
    database: ['added'],
    digest: ['added'],
  },
  {
    title: 'or another row with its id',
    act: `insert into ${event} select (jsonb_populate_record(event, jsonb_build_object('changed_at', changed_at + interval '1 second', 'new', '{"id": 77}'::jsonb))).* from ${event} as event where id = 5`,
    database: ['added'],
    digest: ['added'],
  },
  {
    title: 'values are edited, and a redaction is written that the event does not tell',
    act: `update ${event} set new = '{}' where id = 5; ${redaction('5')}`,
    database: ['edited'],
    digest: ['edited'],
  },
  {
    title: 'or one of another event, in its place',
    act: `update ${event} set new = '{"id": 5}', redacted = '{total}' where id = 5; ${redaction('6')}`,
    database: ['edited'],
    digest: ['edited'],
  },
  {
    title: 'a redaction is written with other numbers than it has events',
    act: `update ${event} set new = '{"id": 5}', redacted = '{total}' where id = 5; ${redaction('5', 2)}`,
    database: ['rewritten'],
    digest: ['rewritten'],
  },
  {
    title: 'events are deleted, and said to be retired, in other numbers than they were',
    act: `${retirement(9)};
      delete from auditrum.audit_leaf where block = 2; delete from ${event} where id between 11 and 20`,
    database: ['rewritten'],
    digest: ['rewritten'],
  },
  {
    title: 'or by a bitmap that is not of their block',
    act: `${retirement(1, ', "which": "AQ=="')};
      delete from ${event} where id = 11`,
    database: ['rewritten'],
    digest: ['rewritten'],
  },
  {
    title: 'the reason that an erasure has on record is edited',
    act: `select auditrum.erase('orders', '5', 'asked to');
      update auditrum.audit_context set metadata = '{"change_reason": "nothing"}' where id = (select context_id from auditrum.audit_erasure)`,
    database: ['edited'],
    digest: ['edited'],
  },
  {
    title: 'or what it says of the columns that went',
    act: `select auditrum.erase('orders', '5', 'asked to'); update auditrum.audit_erasure set columns = '{}'`,
    database: ['edited'],
    digest: ['edited'],
  },
  {
    title: 'the record of an erasure is deleted',
    act: `select auditrum.erase('orders', '5', 'asked to'); delete from auditrum.audit_erasure`,
    database: ['missing'],
    digest: ['missing'],
  },
  {
    title: 'or made to name another entry of the chain',
    act: `select auditrum.erase('orders', '5', 'asked to'); update auditrum.audit_erasure set entries = '{3}'`,
    database: ['edited'],
    digest: ['edited'],
  },
  {
    title: 'what the record of a purge says of who, why and until when is edited',
    act: `${retirement(10)}; delete from auditrum.audit_leaf where block = 2; delete from ${event} where id between 11 and 20;
      update auditrum.audit_purge set db_user = 'intern'`,
    database: ['edited'],
    digest: ['edited'],
  },
  {
    title: 'or deleted',
    act: `${retirement(10)}; delete from auditrum.audit_leaf where block = 2; delete from ${event} where id between 11 and 20;
      delete from auditrum.audit_purge`,
    database: ['missing'],
    digest: ['missing'],
  },
  {
    title: 'a block is written by which less is sealed than was',
    act: `select auditrum.seal_append('block', entry::jsonb - '{v,id,kind,previous,at,by}'::text[] || '{"events": 0, "last": null, "root": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "sequence": "5", "snapshot": "1:1:", "tables": {}}')
        from auditrum.audit_seal where id = 4`,
    database: ['rewritten'],
    digest: ['rewritten'],
  },
  {
    title: 'an event is forged as of a transaction long over, and sealed by a block of its own',
    act: `insert into ${event} (changed_at, txid, context_id, table_id, operation, image, object_id, new, db_user, salt)
        select changed_at, txid, context_id, table_id, operation, image, '77', '{"id": 77}', db_user, salt from ${event} where id = 5;
      ${ownBlock('snapshot')}`,
    database: ['added'],
    digest: ['added'],
  },
  {
    title: 'and the block says that this transaction was running still',
    act: `insert into ${event} (changed_at, txid, context_id, table_id, operation, image, object_id, new, db_user, salt)
        select changed_at, txid, context_id, table_id, operation, image, '77', '{"id": 77}', db_user, salt from ${event} where id = 5;
      ${ownBlock(`format('%s:%s:%s', (select txid from ${event} where id = 5), split_part(snapshot, ':', 2), (select txid from ${event} where id = 5))`)}`,
    database: ['added', 'rewritten'],
    digest: ['added', 'rewritten'],
  },
  {
    title: 'an entry is made one that says nothing',
    act: `update auditrum.audit_seal set entry = '{"kind": "block", "snapshot": 5}' where id = 3`,
    // the next one names it, and its leaves are of no block
    database: ['rewritten', 'rewritten', 'added'],
    digest: ['rewritten', 'rewritten', 'rewritten', 'added'],
  },
  {
    title: 'rows are hidden by row level security, from the owner as well',
    act: `alter table ${event} enable row level security; alter table ${event} force row level security`,
    database: ['rewritten'],
    digest: ['rewritten'],
  },
  {
    title: 'what is written is diverted by a rule',
    act: 'create rule nothing as on insert to auditrum.audit_leaf do instead nothing',
    database: ['rewritten'],
    digest: ['rewritten'],
  },
  {
    title: 'or by a trigger',
    act: `create function nothing() returns trigger language plpgsql as 'begin return null; end'; create trigger nothing before insert on auditrum.audit_event for each row execute function nothing()`,
    database: ['rewritten'],
    digest: ['rewritten'],
  },
  {
    title: 'a view stands in the place of a table',
    act: `alter table auditrum.audit_leaf rename to kept; create view auditrum.audit_leaf as select * from auditrum.kept`,
    database: ['rewritten'],
    digest: ['rewritten'],
  },
  {
    title: 'a table adds its rows to the chain',
    act: 'create table auditrum.more () inherits (auditrum.audit_seal)',
    database: ['rewritten'],
    digest: ['rewritten'],
  },
  {
    title: 'a table is taken out of `audit_table`: the log shows nothing of it',
    act: 'set constraints all immediate; delete from auditrum.audit_table',
    database: ['rewritten'],
    digest: ['rewritten'],
  },
  {
    title: 'an event is left without an id',
    act: `alter table ${event} drop constraint audit_event_pkey; alter table ${event} alter id drop not null; update ${event} set id = null where id = 5`,
    database: ['missing', 'rewritten'],
    digest: ['missing', 'rewritten'],
  },
  {
    title: 'an entry says that the log has moved to the cluster where it was',
    act: `select auditrum.seal_append('rebase', entry::jsonb - '{v,id,kind,previous,at,by,log}'::text[] || jsonb_build_object('incarnation', 2, 'more', true, 'sequence', '40',
        'snapshot', pg_current_snapshot())) from auditrum.audit_seal where id = 0`,
    database: ['rewritten'],
    digest: ['rewritten'],
  },
  {
    title: 'the chain is deleted',
    act: 'delete from auditrum.audit_leaf; delete from auditrum.audit_seal',
    database: ['truncated'],
    digest: ['truncated', 'truncated'],
  },
  {
    title: 'the end of the chain, with the events of its blocks',
    act: `delete from ${event} where id > 30; delete from auditrum.audit_leaf where block = 4; delete from auditrum.audit_seal where id = 4`,
    database: null,
    digest: ['truncated'],
  },
  {
    title: 'the newest entry of the chain is made to name another role',
    act: `update auditrum.audit_seal set entry = regexp_replace(entry::text, '"by": "[^"]*"', '"by": "eve"')::json where id = 4`,
    database: null,
    digest: ['rewritten'],
  },
  {
    title: 'the whole log is rewritten, and sealed anew',
    act: `update ${event} set new = '{}' where id = 5; delete from ${event} where id = 15; ${resealed}`,
    database: null,
    digest: ['rewritten'],
  },
  {
    title: 'an event is edited, and another chain begun, as after a loss',
    act: `update ${event} set new = '{}' where id = 5; select auditrum.seal_anew('lost'); select auditrum.seal()`,
    database: null,
    digest: ['rewritten'],
    remark: '`verify-chain` says since when the chain is, and why',
  },
  {
    title: 'an event is edited before it is sealed',
    act: `update ${event} set new = '{}' where id > 41`,
    database: null,
    digest: null,
    remark: 'seal every few seconds',
  },
  {
    title: 'what was sealed since the last digest is rewritten, and sealed anew',
    act: `select auditrum.seal(); update ${event} set new = '{}' where id > 41; delete from auditrum.audit_leaf where block = 5;
      delete from auditrum.audit_seal where id = 5; select auditrum.seal()`,
    database: null,
    digest: null,
    remark: 'take digests often: `digest --every 1h`',
  },
  {
    title: 'the application is made to write something, or claims to be somebody else',
    act: `set local auditrum.context = '{"user_id": "bob"}'; update orders set total = 0 where id = 1`,
    database: null,
    digest: null,
    remark: 'it is recorded as it was done; [sign contexts](hardening.md)',
  },
  {
    title: 'events are deleted, and said to be retired, by who owns the log',
    act: `${retirement(10)};
      delete from auditrum.audit_leaf where block = 2; delete from ${event} where id between 11 and 20`,
    database: null,
    digest: null,
    remark: 'the chain says so, with the time: compare `retired` with your retention',
  },
  {
    title: 'values are taken out, and said to be erased, by who owns the log',
    act: `select auditrum.erase('orders', '5', 'nobody asked')`,
    database: null,
    digest: null,
    remark: 'the chain says so, and the view `erasures`: compare it with your requests',
  },
  {
    title:
      'an event is edited, and what it is now said to be left by an erasure, by who owns the log',
    act: `update ${event} set new = new || '{"id": 6}', redacted = '{total}' where id = 5; ${redaction('5')}`,
    database: null,
    digest: null,
    remark:
      'the chain says so: compare its redactions with the view `erasures`, which names their entries',
  },
  {
    title: 'a table is called another in `audit_table`',
    act: `update auditrum.audit_table set table_name = 'invoices'`,
    database: null,
    digest: null,
    remark: 'blocks name the tables of their events, and a proof holds that',
  },
]

/** The table of docs/tamper-evidence.md. */
export function threatTable(): string {
  const said = (kinds: Threat['database']) => {
    if (kinds === null) return 'no'
    const [first, ...others] = [...new Set(kinds)]
    return `${first}${others.map((kind) => `, ${kind}`).join('')}`
  }
  return [
    '| somebody with all rights on the database … | the database alone | with a digest | |',
    '| - | - | - | - |',
    ...threats.map(
      ({ title, database, digest, remark = '' }) =>
        `| ${title} | ${said(database)} | ${said(digest)} | ${remark} |`,
    ),
  ].join('\n')
}

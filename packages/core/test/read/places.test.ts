import { beforeAll, expect, test } from 'vitest'
import { Auditrum, type EventFilter } from '../../src/index.js'
import { type AuditedDatabase, auditedDatabase } from '../support.js'

// Three months of a log whose clock was set again and again, with transactions that took weeks: the ids
// of events and contexts and the times have little to do with each other.
const EVENTS = 3000

let database: AuditedDatabase
let audit: Auditrum

beforeAll(async () => {
  database = await auditedDatabase()
  await database.tracked('orders', 'create table orders (id int primary key)')
  await database.query(`
    select setseed(0.5);
    do $$ declare month timestamptz := date_trunc('month', now()) - interval '2 months'; begin
      execute 'alter table auditrum.audit_event detach partition ' || (
        select inhrelid::regclass from pg_inherits where inhparent = 'auditrum.audit_event'::regclass
          and pg_get_expr((select relpartbound from pg_class where oid = inhrelid), inhrelid) like '%MINVALUE%');
      for n in 0 .. 2 loop
        execute format('create table auditrum."month %s" partition of auditrum.audit_event for values from (%L) to (%L)',
          n, month + make_interval(months => n), month + make_interval(months => n + 1));
      end loop;
    end $$;
    create temp table moment as
      select n as id, greatest(date_trunc('month', now()) - interval '2 months', least(now(), now() - (${EVENTS} - n) * interval '29 minutes'
        -- most in order, some an hour or a month off
        + case when random() < 0.1 then (random() - 0.5) * interval '2 hours' when random() < 0.05 then (random() - 0.5) * interval '60 days' else '0' end)) as at
      from generate_series(1, ${EVENTS}) as n;
    insert into auditrum.audit_context (id, transaction_id, txid, started_at, uuid, root_uuid, user_id, metadata)
      select id, id, '3', at, gen_random_uuid(), gen_random_uuid(), 'user-' || n % 20, '{}'
      from (select id as n, at, ((extract(epoch from at) * 1000)::bigint << 20) | id as id from moment where id % 3 = 0) as context;
    insert into auditrum.audit_event (id, changed_at, txid, context_id, table_id, operation, image, object_id, new, db_user)
      select moment.id, moment.at, '3', context.id, 1, 'U', 'f', moment.id % 50, jsonb_build_object('id', moment.id % 50), 'app'
      from moment
      -- some of a context of long before, or after
      join lateral (select case when random() < 0.05 then 3 + floor(random() * ${EVENTS} / 3)::int * 3 else greatest(moment.id / 3 * 3, 3) end as n) as own on true
      join auditrum.audit_context as context on context.id & 1048575 = least(own.n, ${EVENTS});
    analyze auditrum.audit_event, auditrum.audit_context`)
  audit = new Auditrum(database)
})

const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000).toISOString()
const filters: readonly EventFilter[] = [undefined, 1, 17, 33, 59].flatMap((until) =>
  [undefined, 60, 40, 18].flatMap((since) =>
    [undefined, 'user-3'].map((user) => ({
      ...(until === undefined ? {} : { until: daysAgo(until) }),
      ...(since === undefined ? {} : { since: daysAgo(since) }),
      ...(user === undefined ? {} : { user }),
    })),
  ),
)

test.for(['asc', 'desc'] as const)(
  'whatever the clock did, pages are those of the ids, %s',
  async (order) => {
    for (const filter of filters) {
      const all = await database.query<{ id: string }>(
        `select id from auditrum.auditlog where changed_at >= coalesce($1::timestamptz, '-infinity')
        and changed_at <= coalesce($2::timestamptz, 'infinity') and ($3::text is null or user_id = $3) order by id ${order}`,
        [filter.since ?? null, filter.until ?? null, filter.user ?? null],
      )
      const expected = all.rows.map(({ id }) => String(id))
      let after: string | null | undefined
      const found: string[] = []
      for (const limit of [1, 40, 300]) {
        const { events, next } = await audit.page({ ...filter, order, limit, after })
        found.push(...events.map(({ id }) => id))
        after = next
        if (next === null) break
      }
      expect(found, JSON.stringify(filter)).toEqual(expected.slice(0, 341))
    }
  },
)

import type pg from 'pg'
import { beforeAll, expect, test } from 'vitest'
import { Auditrum } from '../../src/index.js'
import { auditedDatabase } from '../support.js'

// Half a year, 4,000 events a month: each third has a context of its own, each order 24 events.
const MONTHS = 6
const PER_MONTH = 4000
const ORDERS = 1000

let client: pg.Client
let audit: Auditrum
let partitions: string[]
let times: string[]

/** A time in a month, counted from the oldest one. */
const inMonth = (month: number, day = 12) => `${times[month]?.slice(0, 8)}${day}T00:00:00Z`

beforeAll(async () => {
  const database = await auditedDatabase()
  await database.tracked(
    'orders',
    `create table orders (id int primary key, status text); insert into orders select n, 'new' from generate_series(1, ${ORDERS}) as n`,
  )
  const { rows } = await database
    .query<{ month: string }>(`
    update auditrum.audit_table set tracked = tstzmultirange(tstzrange('2020-01-01', null));
    update auditrum.audit_shape set valid_from = '2020-01-01';
    do $$ declare name text; begin
      for name in select inhrelid::regclass from pg_inherits
        where inhparent in ('auditrum.audit_event'::regclass, 'auditrum.audit_context'::regclass) loop
        execute 'drop table ' || name;
      end loop;
    end $$;`)
    .then(() =>
      database.query<{ month: string }>(`
      select to_char(date_trunc('month', now() at time zone 'UTC') - make_interval(months => n), 'YYYY-MM-DD') as month
      from generate_series(${MONTHS}, 0, -1) as n`),
    )
  times = rows.map(({ month }) => month)
  partitions = times.slice(0, MONTHS)
  for (const [index, month] of partitions.entries()) {
    const bounds = (log: string) =>
      [month, times[index + 1]].map((time, place) =>
        index === 0 && place === 0
          ? 'minvalue'
          : `'${log === 'audit_event' ? `${time} UTC` : String(BigInt(Date.parse(`${time}Z`)) << 20n)}'`,
      )
    for (const log of ['audit_event', 'audit_context']) {
      const [from, to] = bounds(log)
      await database.query(
        `create table auditrum."${log} ${month}" partition of auditrum.${log} for values from (${from}) to (${to})`,
      )
    }
    await database.query(`
      insert into auditrum.audit_context (id, transaction_id, txid, started_at, uuid, root_uuid, user_id, metadata)
      select id, id, (3 + n % 500)::text::xid8, at, gen_random_uuid(), gen_random_uuid(), 'user-' || n / 3 % 100, '{}'
      from (select n, at, ((extract(epoch from at) * 1000)::bigint << 20) | n as id from generate_series(0, ${PER_MONTH - 1}, 3) as n
        cross join lateral (select '${month} UTC'::timestamptz + n * interval '9 minutes' as at) as time) as context;
      insert into auditrum.audit_event (id, changed_at, txid, context_id, table_id, operation, image, object_id, old, new, db_user)
      select ${index * PER_MONTH + 1} + n, '${month} UTC'::timestamptz + n * interval '9 minutes', (3 + first % 500)::text::xid8,
        ((extract(epoch from '${month} UTC'::timestamptz + first * interval '9 minutes') * 1000)::bigint << 20) | first,
        1, 'U', 'f', 1 + n % ${ORDERS}, '{"status": "old"}', jsonb_build_object('id', 1 + n % ${ORDERS}, 'status', 'new'), 'app'
      from (select n, n / 3 * 3 as first from generate_series(0, ${PER_MONTH - 1}) as n) as change;
      analyze auditrum."audit_event ${month}", auditrum."audit_context ${month}"`)
  }
  await database.query(`
    create table auditrum.audit_event_overflow partition of auditrum.audit_event for values from ('${times[MONTHS]} UTC') to (maxvalue);
    create table auditrum.audit_context_overflow partition of auditrum.audit_context
      for values from (${BigInt(Date.parse(`${times[MONTHS]}Z`)) << 20n}) to (maxvalue)`)
  client = await database.client()
  audit = new Auditrum(client)
})

interface Counted {
  readonly name: string
  readonly scans: number
  readonly rows: number
}

/** What this session has looked at so far, by partition. */
async function counted(): Promise<readonly Counted[]> {
  const { rows } = await client.query<Counted>(`
    select relname as name, (coalesce(seq_scan, 0) + coalesce(idx_scan, 0))::int as scans,
      (coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0))::int as rows
    from pg_stat_xact_user_tables where relname ~ '^audit_(event|context) ' order by relname`)
  return rows
}

/** The rows of the log that a question reads, and the months of events that it looks into. */
async function read(ask: () => Promise<unknown>) {
  await ask() // a session's first time may be planned in another way
  await client.query('begin')
  const before = await counted()
  await ask()
  const after = await counted()
  await client.query('commit')
  const changes = after.map(({ name, scans, rows }) => {
    const earlier = before.find((each) => each.name === name)
    return { name, scans: scans - (earlier?.scans ?? 0), rows: rows - (earlier?.rows ?? 0) }
  })
  const of = (log: string) => changes.filter(({ name }) => name.startsWith(log))
  const sum = (list: readonly Counted[]) => list.reduce((total, { rows }) => total + rows, 0)
  return {
    events: sum(of('audit_event')),
    contexts: sum(of('audit_context')),
    touched: of('audit_event').flatMap(({ name, scans }) => (scans ? name.slice(-10) : [])),
  }
}

test('a row as it was looks at the months since then, and there at its own events', async () => {
  const recent = await read(() => audit.rowAsOf('orders', 7, inMonth(4)))
  expect(recent.touched).toEqual(partitions.slice(4))
  expect(recent.events).toBeLessThan(20)
  const older = await read(() => audit.rowAsOf('orders', 7, inMonth(1)))
  expect(older.touched).toEqual(partitions.slice(1))
  expect(older.events).toBeLessThan(30)
  // also where it must know which transactions were under way
  const consistent = await read(() => audit.rowAsOf('orders', 7, inMonth(1), { consistent: true }))
  expect(consistent.events).toBeLessThan(PER_MONTH)
  expect(consistent.contexts).toBeLessThan(20)
})

test.for([
  ['of a row', { table: 'orders', id: 7 }, 24, 200],
  [
    'of a row, in a time',
    { table: 'orders', id: 7, since: '2000-01-01', until: '2100-01-01' },
    24,
    200,
  ],
  ['of a row, by a user', { table: 'orders', id: 7, user: 'user-2' }, 12, 300],
] as const)('the history %s is found by its index', async ([, filter, count, most]) => {
  const reading = () => audit.page(filter)
  expect((await reading()).events).toHaveLength(count)
  const { events, contexts } = await read(reading)
  expect(events).toBeLessThan(most)
  expect(contexts).toBeLessThan(500)
})

test.for([
  ['newest first', {}],
  ['oldest first', { order: 'asc' }],
  ['from the middle', { after: String(3 * PER_MONTH) }],
  ['of a table', { table: 'orders' }],
  ['of an operation', { table: 'orders', operation: 'update' }],
  ['of a column', { table: 'orders', column: 'status' }],
] as const)('a page of the log, %s, reads about a page', async ([, filter]) => {
  const reading = () => audit.page(filter)
  expect((await reading()).events).toHaveLength(100)
  const { events, contexts } = await read(reading)
  expect(events).toBeLessThan(500)
  expect(contexts).toBeLessThan(200)
})

test('since and until leave out the other months', async () => {
  const filter = { since: inMonth(2, 10), until: inMonth(2, 20) }
  expect((await audit.page(filter)).events).toHaveLength(100)
  const { events } = await read(() => audit.page(filter))
  expect(events).toBeLessThan(2 * PER_MONTH)
})

test('a page of a user reads the events of that user', async () => {
  const { events } = await audit.page({ user: 'user-7' })
  expect(events).toHaveLength(100)
  expect(new Set(events.map(({ userId }) => userId))).toEqual(new Set(['user-7']))
  const { events: count, contexts } = await read(() => audit.page({ user: 'user-7' }))
  expect(count).toBeLessThan(1000)
  expect(contexts).toBeLessThan(1000)
})

test('blame reads the events of the row', async () => {
  const { events } = await read(() => audit.blame('orders', 7))
  expect(events).toBeLessThan(200)
})

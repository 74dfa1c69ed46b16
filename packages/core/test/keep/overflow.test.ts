import { testDatabase } from '@auditrum/testkit/vitest'
import { describe, expect, test } from 'vitest'
import { Auditrum, track } from '../../src/index.js'
import { render } from '../../src/sql/template.js'
import { type AuditedDatabase, auditedDatabase } from '../support.js'
import { lateBy } from './support.js'

/** Rows in the overflow of the run in CI; a million take a minute: `AUDITRUM_OVERFLOW_ROWS=1000000`. */
const ROWS = Number(process.env.AUDITRUM_OVERFLOW_ROWS ?? 20_000)
const WRITERS = 8
const LOCK_TIMEOUT = 1000

const files = `select relation::regclass::text as name, pg_relation_filenode(relation) as file from auditrum.partitions_of($1) order by since nulls first`
const places = `select count(*)::integer as number, md5(string_agg(id::text || ctid::text, ',' order by id)) as places from auditrum.%I where id <= $1`

/** A log whose overflow holds so many events, of contexts that are there, too. */
async function overdue(rows = 1000) {
  const database = await auditedDatabase()
  await database.tracked('orders', 'create table orders (id serial primary key, note text)')
  await lateBy(database, 2)
  await database.query(
    `insert into orders (note) select 'note ' || n from generate_series(1, $1) as n`,
    [rows],
  )
  return { database, audit: new Auditrum(database, { lockTimeout: LOCK_TIMEOUT }) }
}

test('an overflow in use becomes a partition, under writers, and no row is moved', async () => {
  const { database, audit } = await overdue(ROWS)
  expect((await audit.status()).overflow).toMatchObject({ inUse: true })
  const last = (await database.query(`select max(id) as id from auditrum.audit_event`)).rows[0]?.id
  const before = (await database.query(files, ['audit_event'])).rows
  const placed = (await database.query(places.replace('%I', 'audit_event_overflow'), [last])).rows

  const clients = await Promise.all(Array.from({ length: WRITERS }, () => database.client()))
  let writing = true
  let written = 0
  const writes = clients.map(async (client, writer) => {
    await client.query(`set auditrum.context = '{"user_id": "writer ${writer}"}'`)
    // an error, should it wait for longer; with what the swap itself takes
    await client.query(`set lock_timeout = ${2 * LOCK_TIMEOUT}`)
    while (writing) {
      await client.query(`insert into orders (note) values ('later')`)
      written++
    }
  })
  const { partitions } = await audit.maintain()
  writing = false
  await Promise.all(writes) // no error reached them

  const closed = partitions.find((name) => name.startsWith('audit_event_') && name.includes('_to_'))
  const after = (await database.query(files, ['audit_event'])).rows
  expect(after).toContainEqual({ name: `auditrum.${closed}`, file: before.at(-1)?.file })
  expect((await database.query(places.replace('%I', String(closed)), [last])).rows).toEqual(placed)
  expect(
    partitions.filter((name) => name.startsWith('audit_context_') && name.includes('_to_')),
  ).toHaveLength(1)
  const { rows } = await database.query(
    `select count(*)::integer as events, count(context_id)::integer as attributed from auditrum.auditlog`,
  )
  expect(rows).toEqual([{ events: ROWS + written, attributed: ROWS + written }])
  const { overflow, findings } = await audit.status()
  expect(overflow).toMatchObject({ inUse: false })
  expect(findings.map(({ code }) => code)).not.toContain('overflow_in_use')
  // a second one has nothing to do
  expect(await audit.maintain()).toEqual({ partitions: [], shapes: [] })
})

test('PostgreSQL need not look at the rows when the partition is attached', async () => {
  const { database } = await overdue()
  const client = await database.client()
  const heard: string[] = []
  client.on('notice', ({ message }) => heard.push(String(message)))
  for (let step: unknown = ''; step !== null; )
    step = (await client.query('select auditrum.close_overflow() as step')).rows[0]?.step
  await client.query('set client_min_messages = debug1')
  await client.query('select auditrum.create_partitions()')
  const implied = heard.filter((message) =>
    /partition constraint for table .* is implied by existing constraints/.test(message),
  )
  expect(implied).toContainEqual(expect.stringContaining('audit_event_20'))
  expect(implied).toContainEqual(expect.stringContaining('audit_context_20'))
})

const STEPS = 3 // bound each of two, and validate and swap both
test.for(Array.from({ length: STEPS }, (_, step) => step))(
  'maintenance that is killed in step %i is finished by the next',
  async (step) => {
    const { database, audit } = await overdue()
    const victim = await database.client()
    victim.on('error', () => {})
    const next = `select auditrum.maintain_step(part => 'partitions') as done`
    for (let done = 0; done < step; done++) {
      expect((await victim.query(next)).rows[0]?.done).toMatchObject({ pending: true })
    }
    await victim.query('begin')
    expect((await victim.query(next)).rows[0]?.done).toMatchObject({ pending: step < STEPS - 1 })
    const { rows } = await victim.query('select pg_backend_pid() as pid')
    await database.query('select pg_terminate_backend($1)', [rows[0]?.pid])
    await database.query(`insert into orders (note) values ('between')`)

    const { partitions } = await audit.maintain()
    expect(partitions.filter((name) => name.includes('_to_'))).toHaveLength(2)
    await expectWhole(database)
    expect((await audit.status()).overflow).toMatchObject({ inUse: false })
    expect(await database.events('orders')).toHaveLength(1001)
  },
)

test('a bound that nobody came back to gives way: no write is refused', async () => {
  const { database, audit } = await overdue()
  for (let step = 0; step < 2; step++) await database.query('select auditrum.close_overflow()')
  // as if it had been made long ago
  await database.query(`do $$
    declare definition text;
    begin
      select regexp_replace(pg_get_constraintdef(oid), $a$< '[^']+'(.*)is_over\\('[^']+'$a$, $b$< '2020-01-01 00:00+00'\\1is_over('2020-01-01 00:00+00'$b$)
      into strict definition from pg_constraint where conname = 'audit_event_closing';
      alter table auditrum.audit_event_overflow drop constraint audit_event_closing;
      execute 'alter table auditrum.audit_event_overflow add constraint audit_event_closing ' || definition;
      comment on constraint audit_event_closing on auditrum.audit_event_overflow is '2020-01-01 00:00+00';
    end $$`)
  await database.query(`insert into orders (note) values ('much later')`)
  await audit.maintain()
  await expectWhole(database)
  expect((await audit.status()).overflow).toMatchObject({ inUse: false })
})

describe('a clock that runs ahead past the bound, and is set right', () => {
  /** An event and its context, as a clock writes them that shows this time. */
  const written = (at: string) => `
    do $$
    declare
      latest timestamptz := ${at};
      context bigint := auditrum.partition_bound('audit_context', latest);
    begin
      insert into auditrum.audit_context (id, transaction_id, txid, started_at, uuid, root_uuid, user_id)
        values (context, context, pg_current_xact_id(), latest, gen_random_uuid(), gen_random_uuid(), 'ahead');
      insert into auditrum.audit_event (changed_at, txid, context_id, table_id, operation, image, db_user)
        select latest, pg_current_xact_id(), context, id, 'I', 'f', session_user from auditrum.audit_table;
    end $$`
  const bounds = `(select max(bound.until) from unnest(array['audit_event', 'audit_context']) as log, auditrum.closing_bound(log) as bound)`
  /** The clock runs some days past the bounds with which the overflow is being closed, and is set right again. */
  const ahead = `
    create or replace function auditrum.is_over(at timestamptz) returns boolean language plpgsql immutable as 'begin return true; end';
    ${written(`${bounds} + interval '5 days'`)};
    ${render('functions/is_over', 'auditrum')}`
  const bounded = async (database: AuditedDatabase) => {
    for (let step: unknown = ''; step !== null; )
      step = (await database.query('select auditrum.close_overflow() as step')).rows[0]?.step
  }
  const later = `select user_id from auditrum.auditlog where changed_at > date_trunc('month', now()) + interval '1 month'`

  /** Every row lies where who looks for it by its time will look. */
  async function expectInBounds(database: AuditedDatabase) {
    await expectWhole(database)
    expect((await database.query(later)).rows).toEqual([{ user_id: 'ahead' }])
    const { rows } = await database.query(
      `select format('select count(*)::integer as astray from only %s where %I < %L or %I >= %L', relation::regclass, own.by,
         coalesce(auditrum.partition_bound(log, since), own.least), own.by, coalesce(auditrum.partition_bound(log, until), own.most)) as look
       from (values ('audit_event', 'changed_at', '-infinity', 'infinity'), ('audit_context', 'id', '-1', '9223372036854775807')) as own (log, by, least, most)
       cross join lateral auditrum.partitions_of(log)`,
    )
    const client = await database.client()
    await client.query('set constraint_exclusion = off')
    for (const { look } of rows)
      expect((await client.query(String(look))).rows).toEqual([{ astray: 0 }])
  }

  test('leaves no event where it is not looked for', async () => {
    const { database, audit } = await overdue()
    await bounded(database)
    await database.query(ahead)
    const { partitions } = await audit.maintain()
    expect(partitions.filter((name) => name.includes('_to_'))).toHaveLength(2)
    await expectInBounds(database)
    expect((await audit.status()).overflow).toMatchObject({ inUse: false })
    expect(await audit.maintain()).toEqual({ partitions: [], shapes: [] })
  })

  test('nor while maintenance is at it', async () => {
    const { database, audit } = await overdue()
    await bounded(database)
    const [reader, other] = [await database.client(), await database.client()]
    await reader.query('begin; select count(*) from auditrum.auditlog')
    const done = audit.maintain() // validates, and waits for the reader
    for (;;) {
      const { rows } = await other.query(
        `select from pg_locks where relation = 'auditrum.audit_event_overflow'::regclass and mode = 'ShareUpdateExclusiveLock' and granted`,
      )
      if (rows.length > 0) break
    }
    await other.query(ahead)
    await reader.query('commit')
    await done
    await audit.maintain()
    await expectInBounds(database)
    expect((await audit.status()).overflow).toMatchObject({ inUse: false })
  })

  test('by decades keeps the overflow open, and it is said what is to be done', async () => {
    const { database, audit } = await overdue(1)
    await database.query(written(`now() + interval '20 years'`))
    const expected = { message: expect.stringContaining('ten years ahead') }
    await expect(audit.maintain()).rejects.toMatchObject(expected)
    const finding = (await audit.status()).findings.find(({ code }) => code === 'clock_ahead')
    expect(finding).toMatchObject(expected)
    for (const [remedy] of finding?.remedy.matchAll(/DELETE [^;.]+\.[^;.]+/g) ?? [])
      await database.query(remedy)
    expect((await audit.maintain()).partitions).not.toEqual([])
    expect((await audit.status()).findings.map(({ code }) => code)).not.toContain('clock_ahead')
    await expectWhole(database)
  })

  test('nor hides one from a statement that was prepared before', async () => {
    const { database, audit } = await overdue()
    const role = await database.role()
    await database.query(`select auditrum.let_read('${role.name}')`)
    const reader = await role.client()
    await bounded(database)
    const prepared = { name: 'later', text: later }
    expect((await reader.query(prepared)).rows).toEqual([])
    await database.query(ahead)
    expect((await reader.query(prepared)).rows).toEqual([{ user_id: 'ahead' }])
    await audit.maintain()
    expect((await reader.query(prepared)).rows).toEqual([{ user_id: 'ahead' }])
    await expectInBounds(database)
  })
})

test('who reads the log for long stops no writer, and maintenance only for as long', async () => {
  const { database } = await overdue()
  const audit = new Auditrum(database, { lockTimeout: 50 })
  const [reader, writer] = [await database.client(), await database.client()]
  await reader.query('begin; select count(*) from auditrum.auditlog')
  const { rows } = await reader.query('select pg_backend_pid() as pid, pg_sleep(0.1)')
  await writer.query(`set lock_timeout = '100ms'`)
  let reading = true
  const writes = (async () => {
    while (reading) await writer.query(`insert into orders (note) values ('meanwhile')`)
  })()
  await expect(audit.maintain()).rejects.toMatchObject({
    code: 'AUDITRUM_SCHEMA',
    message: expect.stringContaining(String(rows[0]?.pid)),
  })
  reading = false
  await writes
  await reader.query('rollback')
  expect((await audit.maintain()).partitions).not.toEqual([])
  await expectWhole(database)
})

test('so does an owner of the log who cannot see since when others are at it', async () => {
  const database = await testDatabase()
  const [owner, reporter] = [await database.role(), await database.role()]
  await database.query(`grant create on database ${database.name} to ${owner.name}`)
  const client = await owner.client()
  const audit = new Auditrum(client, { tables: [track('shop.orders')], lockTimeout: 200 })
  await client.query(`create schema shop; create table shop.orders (id serial primary key)`)
  await audit.sync()
  await client.query(`select auditrum.let_read('${reporter.name}')`)

  const [reader, writer] = [await reporter.client(), await owner.client()]
  await reader.query('begin; select count(*) from auditrum.auditlog')
  const { rows } = await reader.query('select pg_backend_pid() as pid')
  await writer.query(`set lock_timeout = '150ms'`) // less than what maintenance would queue for
  let reading = true
  const writes = (async () => {
    while (reading) await writer.query('insert into shop.orders default values')
  })()
  const plan = { months: 12 }
  await expect(audit.createPartitions(plan)).rejects.toMatchObject({
    code: 'AUDITRUM_SCHEMA',
    message: expect.stringContaining(`Processes ${rows[0]?.pid} held a lock`),
  })
  reading = false
  await writes // no error reached it
  await reader.query('rollback')
  expect(await audit.createPartitions(plan)).not.toEqual([])
})

test('several at a time do it once', async () => {
  const { database } = await overdue()
  const audits = await Promise.all(
    [1, 2, 3, 4].map(async () => new Auditrum(await database.client())),
  )
  const done = await Promise.all(audits.map((audit) => audit.maintain()))
  const made = done.flatMap(({ partitions }) => partitions)
  expect(new Set(made).size).toBe(made.length)
  expect(made.filter((name) => name.includes('_to_'))).toHaveLength(2)
  await expectWhole(database)
})

test('in SQL one call does all of it', async () => {
  const { database, audit } = await overdue()
  await (await database.client()).query('call auditrum.run_maintenance()')
  expect((await audit.status()).overflow).toMatchObject({ inUse: false })
  await expectWhole(database)
})

test('in SQL, in a transaction, it says what to do before it does anything', async () => {
  const { database, audit } = await overdue()
  const client = await database.client()
  await client.query('begin')
  await expect(client.query('call auditrum.run_maintenance()')).rejects.toMatchObject({
    code: '2D000',
    message: expect.stringContaining('transaction block'),
    hint: expect.stringContaining('maintain()'),
  })
  await client.query('rollback')
  expect((await audit.status()).overflow).toMatchObject({ inUse: true })
})

test('in a transaction of the caller nobody is kept waiting: the rest is left to the next', async () => {
  const { database, audit } = await overdue()
  const client = await database.client()
  await client.query('begin')
  expect((await audit.on(client).maintain()).partitions).toEqual([])
  await client.query('commit')
  expect((await audit.status()).overflow).toMatchObject({ inUse: true })
  await audit.maintain()
  expect((await audit.status()).overflow).toMatchObject({ inUse: false })
})

test('createPartitions closes it, too, and makes weeks, days and months in turn', async () => {
  const { database, audit } = await overdue()
  const week = /^audit_event_20\d\d_w\d\d$/
  const weeks = await audit.createPartitions({ weeks: 10 })
  expect(weeks).toContainEqual(expect.stringMatching(week))
  await expectWhole(database)
  expect(await audit.createPartitions()).toEqual([]) // as it was told last
  const { rows } = await database.query(
    `select name, since from auditrum.partitions_of('audit_event')`,
  )
  for (const { since } of rows.filter(({ name }) => week.test(String(name))).slice(1))
    expect((since as Date).getUTCDay()).toBe(1)
  expect(await audit.createPartitions({ days: 90 })).toContainEqual(
    expect.stringMatching(/^audit_event_20\d\d_\d\d_\d\d$/),
  )
  expect(await audit.createPartitions({ months: 7 })).toContainEqual(
    expect.stringMatching(/^audit_context_20\d\d_\d\d$/),
  )
  await expectWhole(database)
  expect(await audit.maintain()).toEqual({ partitions: [], shapes: [] })
})

test.for([{ months: 1, weeks: 1 }, { weeks: 521 }, { days: -1 }, { year: 1 }])(
  'partitions of %o are refused',
  async (options) => {
    const { audit } = await overdue(1)
    await expect(audit.createPartitions(options as object)).rejects.toMatchObject({
      code: 'AUDITRUM_USAGE',
    })
  },
)

/** From the first to the last time there is one partition for each, with no constraint left over. */
async function expectWhole(database: AuditedDatabase): Promise<void> {
  for (const log of ['audit_event', 'audit_context']) {
    const { rows } = await database.query(
      `select name, since::text, until::text, is_leaving,
         (select count(*)::integer from pg_constraint where conrelid = relation and contype = 'c') as checks,
         (select count(*)::integer from pg_index where indrelid = relation and indisvalid) as indexes
       from auditrum.partitions_of($1)`,
      [log],
    )
    expect(rows[0]?.since).toBeNull()
    expect(rows.at(-1)).toMatchObject({ name: `${log}_overflow`, until: null })
    for (const [index, part] of rows.entries()) {
      expect(part).toMatchObject({ is_leaving: false, checks: 0, indexes: rows[0]?.indexes })
      if (index > 0) expect(part.since).toBe(rows[index - 1]?.until)
    }
  }
}

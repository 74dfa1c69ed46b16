import { beforeAll, describe, expect, test } from 'vitest'
import { Auditrum, track } from '../../src/index.js'
import { type AuditedDatabase, auditedDatabase } from '../support.js'
import { age, splitByYear } from './support.js'

const count = async (database: AuditedDatabase, table = 'audit_event') =>
  (await database.query(`select count(*)::integer as count from auditrum.${table}`)).rows[0]?.count

/** Two tables with three events each: of three years ago, of one year ago, of now. */
async function shop() {
  const database = await auditedDatabase()
  await database.tracked('orders', 'create table orders (id integer primary key, note text)')
  await database.tracked('carts', 'create table carts (id integer primary key, note text)')
  for (const years of [3, 1, 0]) {
    await database.query(`
      insert into orders values (${years}, 'as inserted');
      insert into carts values (${years}, 'as inserted');
      update auditrum.audit_table set tracked = '{[2020-01-01,)}'`)
    if (years > 0) {
      const recent = `event.changed_at > now() - interval '10 days'`
      await age(database, `${years} years`, recent)
    }
  }
  return { database, audit: new Auditrum(database) }
}

describe('a purge', () => {
  test('deletes what is older, says so before, and is on record', async () => {
    const { database, audit } = await shop()
    const options = { olderThan: '2 years' }
    const wouldGo = await audit.purge({ ...options, dryRun: true })
    expect(wouldGo).toMatchObject({ id: null, events: 2, contexts: 1, partitions: [] })
    expect(wouldGo.bytes).toBeGreaterThan(100)
    expect(await count(database)).toBe(6)

    const client = await database.client()
    await client.query(`set auditrum.context = '{"user_id": "dpo", "change_reason": "article 5"}'`)
    const gone = await new Auditrum(client).purge(options)
    const tables = [
      { table: 'public.orders', until: expect.stringMatching(/^20/), events: 1 },
      { table: 'public.carts', until: expect.stringMatching(/^20/), events: 1 },
    ]
    expect(gone).toEqual({ ...wouldGo, id: expect.any(String), bytes: expect.any(Number), tables })
    expect(await count(database)).toBe(4)
    expect((await database.query('select * from auditrum.purges')).rows).toEqual([
      expect.objectContaining({
        id: gone.id,
        user_id: 'dpo',
        change_reason: 'article 5',
        events: '2',
        contexts: '1',
        tables,
        partitions: [],
        finished_at: expect.any(Date),
      }),
    ])
    expect(await audit.purge(options)).toMatchObject({ id: null, events: 0 })
    expect(await count(database, 'audit_purge')).toBe(1)

    // who made the row is gone, not older than the log
    await database.query(`update orders set note = 'changed' where id = 3`)
    expect(await audit.blame('orders', 3)).toMatchObject([
      { column: 'note', changedAt: expect.any(String), purgedUntil: null },
      { column: 'id', changedAt: null, purgedUntil: expect.stringMatching(/^20.*Z$/) },
    ])
  })

  test('of one table leaves the others, their contexts, and what is known of them', async () => {
    const { database, audit } = await shop()
    const at = '2022-01-01T00:00:00Z'
    const known = { details: true } as const
    expect(await audit.rowAsOf('orders', 1, at, known)).toMatchObject({ row: null, complete: true })
    const { tables } = await audit.purge({ olderThan: '6 months', table: 'orders' })
    expect(tables).toMatchObject([{ table: 'public.orders', events: 2 }])
    expect(await database.events('orders')).toHaveLength(1)
    expect(await database.events('carts')).toHaveLength(3)
    expect((await database.events('carts')).every((event) => event.context_id !== null)).toBe(true)

    expect(await audit.rowAsOf('carts', 1, at, known)).toMatchObject({ row: null, complete: true })
    // the row was not there then, and the log does not claim to know
    const answer = await audit.rowAsOf('orders', 1, at, known)
    expect(answer.complete).toBe(false)
    expect(new Date(String(answer.since)).getTime()).toBe(
      new Date(String(tables[0]?.until)).getTime(),
    )
    expect(await audit.tableAsOf('orders', new Date(), {})).toMatchObject({ complete: true })
    expect((await audit.status()).tables).toMatchObject([
      { table: 'public.orders', purgedUntil: expect.any(String) },
      { table: 'public.carts', purgedUntil: null },
    ])
  })

  test('keeps the contexts of a period, and those that an event needs', async () => {
    const { database, audit } = await shop()
    const contexts = Number(await count(database, 'audit_context'))
    await database.query(
      `update auditrum.audit_event set changed_at = changed_at - interval '2 hours'`,
    )
    expect(await audit.purge({ olderThan: '1 hour', table: 'orders' })).toMatchObject({
      events: 3,
      contexts: 0, // all of them are the context of a cart, too
    })
    expect(await audit.purge({ olderThan: '1 hour' })).toMatchObject({ contexts: 2 })
    expect(await count(database)).toBe(0)
    // of today: a transaction that is under way may need them
    expect(await count(database, 'audit_context')).toBeGreaterThanOrEqual(contexts - 2)
  })

  test('is of no use to an undo of what went', async () => {
    const { database, audit } = await shop()
    const [first] = await database.events('orders')
    const [transaction] = [String((await database.events('carts'))[0]?.transaction_id)]
    await audit.purge({ olderThan: '2 years', table: 'orders' })
    await expect(audit.revert({ event: String(first?.id) })).rejects.toMatchObject({
      code: 'AUDITRUM_USAGE',
      message: expect.stringContaining('retention'),
    })
    await expect(audit.revert({ transaction })).rejects.toMatchObject({
      code: 'AUDITRUM_CONFLICT',
      message: expect.stringContaining('older than what the log still has'),
    })
  })

  test('of a row that was not noted because it had an event leaves it unknown, not unlogged', async () => {
    const database = await auditedDatabase()
    await database.tracked(
      'people',
      'create table people (id integer primary key, name text); insert into people values (1), (2)',
    )
    const audit = new Auditrum(database)
    await database.query(`update people set name = 'anna' where id = 1`)
    await age(database, '3 years')
    await database.query(`
      update auditrum.audit_table set tracked = '{[2020-01-01,)}';
      update auditrum.audit_shape set valid_from = '2020-01-01'`)
    expect(await audit.backfill('people')).toEqual({ recorded: 1 })
    expect(await audit.verifyTables()).toMatchObject({
      ok: true,
      tables: [{ verified: 2, unknown: 0 }],
    })
    await audit.purge({ olderThan: '2 years' })
    expect(await audit.verifyTables()).toMatchObject({
      ok: true,
      tables: [{ verified: 1, unknown: 1 }],
    })
    expect(await audit.backfill('people')).toEqual({ recorded: 1 })
    expect(await audit.verifyTables()).toMatchObject({
      ok: true,
      tables: [{ verified: 2, complete: true }],
    })
  })

  test.for([
    '0',
    '-1 year',
    '1 day -2 days',
    'nonsense',
    '',
    '  ',
    '1000000 years',
    '1001 years',
    '1', // a second, to PostgreSQL
    '6m', // six minutes
    '1 mon',
    'P1Y6M',
    'forever',
    7,
    null,
    new Date(),
  ])('older than %o is refused, and nothing is written', async (olderThan) => {
    await expect(refusing.audit.purge({ olderThan: olderThan as string })).rejects.toMatchObject({
      code: 'AUDITRUM_USAGE',
      message: expect.stringMatching(/years/),
    })
    await expect(
      refusing.database.query('select auditrum.purge($1)', [olderThan]),
    ).rejects.toMatchObject({ code: 'AU005' })
    await expect(
      refusing.audit.purge({ olderThan: '1 year', table: 'ordrs' }),
    ).rejects.toMatchObject({ code: 'AUDITRUM_USAGE', message: expect.stringContaining('orders') })
    expect(await count(refusing.database)).toBe(6)
    expect(await count(refusing.database, 'audit_purge')).toBe(0)
  })
  let refusing: Awaited<ReturnType<typeof shop>>
  beforeAll(async () => {
    refusing = await shop()
  })

  test('goes on with what was begun, and with nothing else', async () => {
    const { database } = await shop()
    for (const dryRun of [false, true])
      await expect(
        database.query(`select auditrum.purge('2 years', purge_id => 41, dry_run => $1)`, [dryRun]),
      ).rejects.toMatchObject({ code: 'AU005', message: expect.stringContaining('41') })
    expect(await count(database)).toBe(6)
    const steps: { readonly id: string; readonly pending: boolean }[] = []
    do {
      const { rows } = await database.query<{ done: (typeof steps)[number] }>(
        `select auditrum.purge('2 years', purge_id => $1) as done`,
        [steps.at(-1)?.id ?? null],
      )
      steps.push(...rows.map(({ done }) => done))
    } while (steps.at(-1)?.pending)
    expect(new Set(steps.map(({ id }) => id)).size).toBe(1)
    expect(await count(database)).toBe(4)
  })

  test('is nothing for the application, nor for readers', async () => {
    const { database } = await shop()
    const role = await database.role()
    await database.query(`select auditrum.let_read('${role.name}')`)
    const client = await role.client()
    const audit = new Auditrum(client)
    for (const call of [
      () => audit.purge({ olderThan: '1 year' }),
      () => audit.purge({ olderThan: '1 year', dryRun: true }),
      () => client.query('delete from auditrum.purges'),
      () => client.query('delete from auditrum.audit_purge'),
      () => client.query('select auditrum.purge_start(null, null, true)'),
    ])
      await expect(call()).rejects.toThrow(/permission denied|cannot delete/)
    expect((await client.query('select * from auditrum.purges')).rows).toEqual([])
    expect(await count(database)).toBe(6)
  })
})

/** By a role that was let, which owns nothing. */
async function keeper(database: AuditedDatabase): Promise<Auditrum> {
  const role = await database.role()
  await database.query(`select auditrum.let_maintain('${role.name}')`)
  return new Auditrum(await role.client())
}

describe('dropping partitions', () => {
  /** As the shop, with a partition for each of the years. */
  async function years() {
    const made = await shop()
    await splitByYear(made.database)
    return made
  }
  const names = async (database: AuditedDatabase, log = 'audit_event') =>
    (await database.query('select name from auditrum.partitions_of($1)', [log])).rows.map(
      ({ name }) => String(name),
    )
  const year = new Date().getUTCFullYear()
  const written = (time: string) =>
    `insert into auditrum.audit_event (changed_at, txid, context_id, table_id, operation, image, db_user) values ('${time}', '1', 1, 1, 'I', 'f', 'x')`

  test('takes those that hold nothing else, and leaves a home for every time', async () => {
    const { database, audit } = await years()
    const options = { olderThan: '20 months', dropPartitions: true }
    const wouldGo = await audit.purge({ ...options, dryRun: true })
    expect(wouldGo.partitions).toContain(`audit_event${year - 3}`)
    const gone = await audit.purge(options)
    expect(gone).toMatchObject({ events: 2, partitions: wouldGo.partitions })
    expect(gone.partitions).toContain(`audit_context${year - 3}`)
    expect(await names(database)).not.toContain(`audit_event${year - 3}`)
    expect((await names(database))[0]).toMatch(/^audit_event_before_\d{4}_01_01$/)
    for (const time of ['1999-01-01', `${year - 3}-02-01`]) await database.query(written(time))
    expect(await count(database)).toBe(6)
    expect(await audit.rowAsOf('orders', 3, '2021-01-01', { details: true })).toMatchObject({
      complete: false,
    })
    expect((await audit.status()).ok).toBe(true)
    expect(await audit.purge({ olderThan: '100 years', dropPartitions: true })).toMatchObject({
      events: 0,
    })
  })

  test('not those with a table that is kept longer: there rows are deleted', async () => {
    const { database } = await years()
    const tables = [track('orders', { retention: '10 years' }), track('carts')]
    const audit = new Auditrum(database, { tables })
    await audit.sync()
    const gone = await audit.purge({ olderThan: '20 months', dropPartitions: true })
    expect(gone).toMatchObject({ events: 1, partitions: [], tables: [{ table: 'public.carts' }] })
    expect(await names(database)).toContain(`audit_event${year - 3}`)
    expect(await database.events('orders')).toHaveLength(3)
    // asked for by name it goes all the same
    expect(await audit.purge({ olderThan: '20 months', table: 'orders' })).toMatchObject({
      events: 1,
    })
  })

  test('holds up nobody: who reads the log is waited for, writers go on', async () => {
    const { database, audit } = await years()
    const [reader, writer] = [await database.client(), await database.client()]
    await reader.query('begin; select count(*) from auditrum.auditlog')
    const purge = audit.purge({ olderThan: '20 months', dropPartitions: true })
    await writer.query(`set lock_timeout = '1s'`)
    for (let id = 10; ; id++) {
      await writer.query('insert into orders values ($1)', [id])
      const { rows } = await writer.query('select from pg_inherits where inhdetachpending')
      if (rows.length > 0) break
    }
    await writer.query('insert into orders values (9)')
    await reader.query('commit')
    expect((await purge).partitions).toContain(`audit_event${year - 3}`)
  })

  test('looks again at what it detached: what was written in between stays', async () => {
    const { database } = await years()
    const tables = [track('orders', { retention: '10 years' }), track('carts')]
    const audit = new Auditrum(database, { tables })
    await audit.sync()
    const of = `table_id = (select id from auditrum.audit_table where table_name = 'orders')`
    const old = `audit_event where ${of} and changed_at < now() - interval '20 months'`
    const [late, watcher] = [await database.client(), await database.client()]
    await late.query(`create temp table kept as select * from auditrum.${old}`)
    await database.query(`delete from auditrum.${old}`)
    await database.query(`select auditrum.purge('20 months', drop_partitions => true)`)
    await late.query('begin; insert into auditrum.audit_event select * from kept')
    const purge = audit.maintain()
    for (;;) {
      const { rows } = await watcher.query('select from pg_inherits where inhdetachpending')
      if (rows.length > 0) break
    }
    await late.query('commit')
    expect((await purge).purge?.partitions).toContain(`audit_event${year - 3}`)
    expect(await database.events('orders')).toHaveLength(3)
    expect((await database.events('orders'))[0]).toMatchObject({
      object_id: '3',
      context_id: expect.any(String),
    })
    expect((await names(database))[0]).toMatch(/_before_/)
  })

  test('drops none that an open transaction has written to', async () => {
    const { database, audit } = await years()
    await audit.enableSealing()
    const late = await database.client()
    await late.query(`begin; insert into orders values (50);
      update auditrum.audit_event set changed_at = '${year - 3}-02-01' where object_id = '50'`)
    const options = { olderThan: '20 months', dropPartitions: true }
    const purge = new Auditrum(await database.client()).purge(options)
    // the partition of contexts waits for it
    for (;;) {
      const { rows } = await database.query('select from pg_inherits where inhdetachpending')
      if (rows.length > 0) break
    }
    await late.query('commit')
    const { events, partitions } = await purge
    expect(events).toBe(2)
    expect(partitions).not.toContain(`audit_event${year - 3}`)
    expect(await audit.purge(options)).toMatchObject({ events: 1 })
    expect(await names(database)).not.toContain(`audit_event${year - 3}`)
    expect(await audit.verifyChain()).toMatchObject({ ok: true, retired: 3 })
  })

  test('that was killed while a partition was leaving is finished by maintain', async () => {
    const { database, audit } = await years()
    const reader = await database.client()
    await reader.query('begin; select count(*) from auditrum.auditlog')
    const { rows: reading } = await reader.query('select pg_backend_pid() as pid')
    const victim = await database.client()
    victim.on('error', () => {})
    const purge = new Auditrum(victim).purge({ olderThan: '20 months', dropPartitions: true })
    const killed = expect(purge).rejects.toThrow()
    for (;;) {
      const { rows } = await database.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where datname = current_database() and query like '%DETACH%CONCURRENTLY' and pid <> pg_backend_pid()
           and exists (select from pg_inherits where inhdetachpending)`,
      )
      if (rows.length > 0) break
    }
    await killed
    // the very first one is gone since an earlier purge: a clock that has lost the time finds it
    await database.query(written('1970-01-01'))
    await expect(database.query(written(`${year - 3}-02-01`))).rejects.toThrow('no partition')
    expect((await audit.status()).findings).toContainEqual(
      expect.objectContaining({
        code: 'purge_unfinished',
        message: expect.stringMatching(
          `refused whose clock .* from ${year - 3}-01-01.* to ${year - 2}-01-01`,
        ),
      }),
    )
    await expect(new Auditrum(database, { lockTimeout: 50 }).maintain()).rejects.toMatchObject({
      message: expect.stringMatching(
        `audit_event${year - 3}, which was being detached .* waits for processes ${reading[0]?.pid}[.]`,
      ),
    })
    await reader.query('rollback')
    expect((await audit.maintain()).purge?.partitions).toContain(`audit_event${year - 3}`)
    expect(await names(database)).not.toContain(`audit_event${year - 3}`)
    await database.query(written(`${year - 3}-02-01`))
    expect((await audit.status()).findings).not.toContainEqual(
      expect.objectContaining({ code: 'purge_unfinished' }),
    )
  })

  test('by several at a time counts each row once', async () => {
    const { database } = await years()
    const other = await database.client()
    // one is killed as it has begun with the first partition, and two others go on
    await other.query(`select auditrum.purge('20 months', drop_partitions => true)`)
    const options = { olderThan: '20 months', dropPartitions: true }
    const clients = [await database.client(), await database.client()]
    const gone = await Promise.all(clients.map((client) => new Auditrum(client).purge(options)))
    const { purge } = await new Auditrum(other).maintain()
    const done = [...gone, ...(purge ? [purge] : [])]
    const dropped = done.flatMap(({ partitions }) => partitions)
    expect(dropped).toContain(`audit_event${year - 3}`)
    expect(new Set(dropped).size).toBe(dropped.length)
    expect(done.reduce((sum, { events }) => sum + events, 0)).toBe(2)
    expect(await count(database)).toBe(4)
    const sums = `select (select sum(events) from auditrum.purges)::integer as events,
      (select sum((part ->> 'events')::integer) from auditrum.purges, jsonb_array_elements(tables) as part)::integer as of_tables,
      (select sum(cardinality(partitions)) from auditrum.purges)::integer as partitions,
      (select count(*) from auditrum.purges where finished_at is null)::integer as pending`
    expect((await database.query(sums)).rows).toEqual([
      { events: 2, of_tables: 2, partitions: dropped.length, pending: 0 },
    ])
  })

  test('takes no context that a partition needs with which another one is at it', async () => {
    const { database, audit } = await years()
    await audit.enableSealing()
    await audit.seal()
    const step = async (id: string | null) => {
      const text = `select auditrum.purge('20 months', drop_partitions => true, purge_id => $1) as step`
      return (await database.query(text, [id])).rows[0]?.step as { id: string }
    }
    // noted, and detached
    const { id } = await step((await step(null)).id)
    expect(await names(database)).not.toContain(`audit_event${year - 3}`)
    await audit.purge({ olderThan: '20 months', dropPartitions: true })
    expect((await audit.maintain()).purge).toMatchObject({ id, events: 2, contexts: 1 })
    expect(await audit.verifyChain()).toMatchObject({ ok: true, retired: 2 })
  })

  test('lets nobody erase, or begin to seal, what it is just letting go of', async () => {
    const { database, audit } = await years()
    const step = (id: string | null) =>
      database.query<{ id: string }>(
        `select auditrum.purge('20 months', drop_partitions => true, purge_id => $1) ->> 'id' as id`,
        [id],
      )
    const { rows } = await step(null)
    const erase = () => audit.erase({ table: 'orders', id: 3 }, { reason: 'request 118' })
    for (const _ of ['noted', 'detached']) {
      const refused = {
        code: 'AUDITRUM_CONFLICT',
        message: expect.stringContaining(`audit_event${year - 3}`),
      }
      await expect(erase()).rejects.toMatchObject(refused)
      await expect(audit.enableSealing()).rejects.toMatchObject(refused)
      await step(rows[0]?.id ?? null)
    }
    await audit.maintain()
    expect(await erase()).toMatchObject({ events: 0 })
    expect(await audit.enableSealing()).toBe(true)
  })

  test('keeps the place of a partition that somebody detaches meanwhile, and its contexts', async () => {
    const { database, audit } = await years()
    await database.query(`
      select auditrum.purge('20 months', drop_partitions => true);
      alter table auditrum.audit_event detach partition auditrum.audit_event${year - 1};
      alter table auditrum.audit_event${year - 1} rename to audit_event_${year - 1}`)
    const { purge } = await audit.maintain()
    expect(purge?.partitions).toContain(`audit_event${year - 3}`)
    expect((await audit.maintain()).attached).toEqual([`audit_event_${year - 1}`])
    expect(await count(database)).toBe(4)
    const { rows } = await database.query(
      `select from auditrum.audit_event as event where not exists (
         select from auditrum.audit_context as context where context.id = event.context_id)`,
    )
    expect(rows).toEqual([])
  })

  test('is left to who is at it', async () => {
    const { database, audit } = await years()
    const reader = await database.client()
    await reader.query('begin; select count(*) from auditrum.auditlog')
    const purge = audit.purge({ olderThan: '20 months', dropPartitions: true })
    for (;;) {
      const { rows } = await reader.query('select from pg_inherits where inhdetachpending')
      if (rows.length > 0) break
    }
    expect(await new Auditrum(await database.client()).maintain()).toEqual({
      partitions: [],
      shapes: [],
    })
    await reader.query('commit')
    expect((await purge).partitions).toContain(`audit_event${year - 3}`)
  })

  test('is gone on with by another one just as a partition has left', async () => {
    const { database } = await years()
    const [reader, holder] = [await database.client(), await database.client()]
    const own = await database.client()
    // as if the other one might not see what it does
    await own.query('set track_activities = off')
    const waiting = async (number: number, what: string) => {
      const text = `select from pg_locks where not granted and locktype = $1`
      while ((await holder.query(text, [what])).rows.length < number);
    }
    await reader.query('begin; select count(*) from auditrum.auditlog')
    const purge = new Auditrum(own).purge({ olderThan: '20 months', dropPartitions: true })
    await waiting(1, 'virtualxid')
    await holder.query(
      'begin; lock table only auditrum.audit_context, only auditrum.audit_event in share update exclusive mode',
    )
    await reader.query('commit')
    await waiting(1, 'relation')
    const other = new Auditrum(await database.client()).maintain()
    await waiting(2, 'relation')
    await holder.query('commit')
    const [{ partitions }, rest] = await Promise.all([purge, other])
    expect([...partitions, ...(rest.purge?.partitions ?? [])]).toContain(`audit_event${year - 3}`)
    expect(await count(database)).toBe(4)
  })

  test('is done for who was let keep the log, and on record as theirs', async () => {
    const { database } = await years()
    const audit = await keeper(database)
    const gone = await audit.purge({ olderThan: '20 months', dropPartitions: true })
    expect(gone.partitions).toContain(`audit_event${year - 3}`)
    expect(await audit.maintain()).toEqual({ partitions: [], shapes: [] })
    const { rows } = await database.query(
      'select db_user = session_user::text as mine from auditrum.audit_purge',
    )
    expect(rows).toEqual([{ mine: false }])
  })

  test('in one transaction of the caller, all or nothing', async () => {
    const { database, audit } = await years()
    const client = await database.client()
    const before = await names(database)
    await client.query('begin')
    expect(
      (await audit.on(client).purge({ olderThan: '20 months', dropPartitions: true })).partitions,
    ).toContain(`audit_event${year - 3}`)
    await client.query('rollback')
    expect(await names(database)).toEqual(before)
    expect(await count(database)).toBe(6)
  })

  test('year after year leaves one empty partition of what went, and one of what was before', async () => {
    const { database, audit } = await years()
    for (const olderThan of ['3 years 11 months', '20 months', '1 month'])
      await audit.purge({ olderThan, dropPartitions: true })
    const { rows } = await database.query(
      `select name, until::text from auditrum.partitions_of('audit_event') where name like '%before%'`,
    )
    expect(rows).toEqual([
      {
        name: `audit_event_before_${year - 3}_01_01`,
        until: expect.stringMatching(`^${year - 3}-`),
      },
      { name: `audit_event_before_${year}_01_01`, until: expect.stringMatching(`^${year}-`) },
    ])
    const gaps = `select from auditrum.partition_gaps('audit_event') union all select from auditrum.partition_gaps('audit_context')`
    expect((await database.query(gaps)).rows).toEqual([])
  })

  test('by hand is noticed: the log does not claim what it has not', async () => {
    const { database, audit } = await years()
    await database.query(`drop table auditrum.audit_event${year - 3}`)
    await audit.maintain()
    expect((await names(database))[0]).toMatch(/_before_/)
    const answer = await audit.rowAsOf('orders', 1, `${year - 3}-06-01`, { details: true })
    expect(answer).toMatchObject({ complete: false, since: `${year - 2}-01-01T00:00:00.000000Z` })
  })
})

describe('retention', () => {
  test('is declared for all tables and for one, and maintain keeps to it', async () => {
    const { database } = await shop()
    const audit = new Auditrum(database, {
      tables: [track('orders', { retention: 'forever' }), track('carts')],
      retention: '2 years',
    })
    expect((await audit.sync()).updated).toEqual(['public.orders', 'public.carts'])
    expect((await audit.sync()).unchanged).toHaveLength(2)
    expect((await audit.status()).tables.map(({ retention }) => retention)).toEqual([
      'forever',
      '2 years',
    ])
    const due = { events: 1, tables: [{ table: 'public.carts', events: 1 }] }
    expect(await audit.maintain({ dryRun: true })).toMatchObject({
      partitions: [],
      shapes: [],
      purge: { ...due, id: null },
    })
    expect(await database.events('carts')).toHaveLength(3)
    expect(await audit.maintain()).toMatchObject({ purge: due })
    expect(await audit.maintain({ dryRun: true })).toEqual({ partitions: [], shapes: [] })
    expect(await database.events('orders')).toHaveLength(3)
    expect(await database.events('carts')).toHaveLength(2)
    expect(await audit.maintain()).toEqual({ partitions: [], shapes: [] })
    expect((await database.query('select older_than from auditrum.purges')).rows).toEqual([
      { older_than: null },
    ])
  })

  test('is kept in SQL as well', async () => {
    const { database, audit } = await shop()
    await database.query(`select auditrum.track('carts', '{"retention": "2 years"}')`)
    await (await database.client()).query('call auditrum.run_maintenance()')
    expect(await database.events('carts')).toHaveLength(2)
    expect(await audit.maintain()).toEqual({ partitions: [], shapes: [] })
    await database.query(`select auditrum.track('carts', '{"retention": "6 months"}')`)
    for (let pending = true; pending; ) {
      const { rows } = await database.query('select auditrum.maintain() as done')
      pending = (rows as { done: { pending: boolean } }[])[0]?.done.pending === true
    }
    expect(await database.events('carts')).toHaveLength(1)
  })

  test('goes in batches, and who was killed between two is gone on with', async () => {
    const database = await auditedDatabase()
    await database.tracked('many', 'create table many (id integer primary key)', {
      retention: '1 year',
    })
    await database.query('insert into many select generate_series(1, 25000)')
    await database.query(
      `update auditrum.audit_event set changed_at = changed_at - interval '2 years'`,
    )
    const step = `select auditrum.maintain_step(part => 'purge') as done`
    await database.query(step) // its record
    const first = await database.query(step)
    expect(first.rows[0]?.done).toMatchObject({ pending: true, purge: { events: 10_000 } })
    expect(await count(database)).toBe(15_000)
    const audit = new Auditrum(database)
    expect((await audit.maintain()).purge).toMatchObject({ events: 25_000 })
    expect(await count(database)).toBe(0)
    expect(await count(database, 'audit_purge')).toBe(1)
  })

  test('several at a time do it once, beside writers', async () => {
    const database = await auditedDatabase()
    await database.tracked('many', 'create table many (id integer primary key)', {
      retention: '1 year',
    })
    await database.query('insert into many select generate_series(1, 25000)')
    await database.query(
      `update auditrum.audit_event set changed_at = changed_at - interval '2 years'`,
    )
    const writer = await database.client()
    let purging = true
    const writes = (async () => {
      let id = 30_000
      for (; purging; id++) await writer.query('insert into many values ($1)', [id])
      return id - 30_000
    })()
    const audits = [1, 2, 3].map(async () => new Auditrum(await database.client()).maintain())
    await Promise.all(audits)
    purging = false
    const written = await writes
    expect(await count(database)).toBe(written)
    const { rows } = await database.query('select events from auditrum.purges')
    expect(rows).toEqual([{ events: '25000' }])
  })

  test.for(['2 yeers', '-2 years', '0 days', '', 2, '1 year ago', '1 mon', '1000 years 1 hour'])(
    '%o is refused where it is declared',
    async (retention) => {
      expect(() => track('orders', { retention: retention as string })).toThrow(
        expect.objectContaining({ code: 'AUDITRUM_DECLARATION' }),
      )
      const { database } = declaring
      expect(() => new Auditrum(database, { retention: retention as string })).toThrow(
        expect.objectContaining({ code: 'AUDITRUM_USAGE' }),
      )
      await expect(
        database.query(`select auditrum.track('carts', $1)`, [{ retention }]),
      ).rejects.toMatchObject({ code: 'AU002' })
    },
  )
  let declaring: Awaited<ReturnType<typeof shop>>
  beforeAll(async () => {
    declaring = await shop()
  })
})

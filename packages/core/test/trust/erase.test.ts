import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { testDatabase } from '@auditrum/testkit/vitest'
import type pg from 'pg'
import { expect, test } from 'vitest'
import { Auditrum, IntegrityError, SchemaError, track, withContext } from '../../src/index.js'
import { type AuditedDatabase, auditedDatabase, inTransaction } from '../support.js'

const reason = 'request 118'

/** Customers, and a log that is sealed where it is said. */
async function customers({ sealed = true, image = 'full' as 'full' | 'changed' } = {}) {
  const database = await auditedDatabase()
  if (sealed) await database.query('select auditrum.enable_sealing()')
  await database.tracked(
    'customers',
    'create table customers (id integer primary key, email text, phone text, status text)',
    { image, meta: ['email'] },
  )
  const audit = new Auditrum(database.pool())
  const by = async (user: string, text: string) => {
    const client = await database.client()
    const context = JSON.stringify({
      user_id: user,
      username: `name of ${user}`,
      client_ip: '10.1.1.1',
      change_reason: `call of ${user}`,
      source: 'web',
      customer: 'Jane',
    })
    await client.query('begin')
    await client.query(`select set_config('auditrum.context', $1, true)`, [context])
    await client.query(text)
    await client.query('commit')
    await client.end()
  }
  await by(
    'anna',
    `insert into customers values (42, 'jane@old.example', '111-jane', 'new'), (43, 'other@example', '222', 'new')`,
  )
  await by('jane', `update customers set email = 'jane@new.example' where id = 42`)
  await by('anna', `update customers set status = 'good' where id = 42`)
  return { database, audit, by }
}

/** What verifies, in the database and in this process. */
async function verified(audit: Auditrum) {
  const inDatabase = await audit.verifyChain()
  expect(await audit.verifyChain({ independent: true })).toEqual(inDatabase)
  const { ok, redacted, problems } = inDatabase
  return { ok, redacted, problems: problems.map(({ kind, event }) => [kind, event]) }
}

async function dumped(database: AuditedDatabase): Promise<string> {
  const { rows } = await database.query(
    `select (select json_agg(event) from auditrum.audit_event as event)::text
      || (select json_agg(context) from auditrum.audit_context as context)::text
      || coalesce((select json_agg(erasure) from auditrum.audit_erasure as erasure), '[]')::text as dump`,
  )
  return String(rows[0]?.dump)
}

test('a customer is erased, the rest verifies, and it is on record', async () => {
  const { database, audit } = await customers()
  await audit.seal()
  await database.query('delete from customers where id = 42') // not sealed yet
  expect(await audit.erase({ table: 'customers', id: 42 }, { dryRun: true })).toMatchObject({
    id: null,
    events: 4,
    live: false,
  })
  expect((await dumped(database)).includes('jane@new.example')).toBe(true)

  const erased = await withContext({ user_id: 'dpo' }, () =>
    audit.erase({ table: 'customers', id: 42 }, { reason }),
  )
  expect(erased).toMatchObject({
    events: 4,
    contexts: 0,
    columns: ['email', 'phone', 'status'],
    live: false,
    objectId: '42',
  })
  expect(erased.entries).toHaveLength(1)
  expect(await dumped(database)).not.toMatch(/jane@|111-jane|"good"/)
  expect(await verified(audit)).toEqual({ ok: true, redacted: 3, problems: [] })
  await audit.seal()
  expect(await verified(audit)).toEqual({ ok: true, redacted: 4, problems: [] })

  const { rows } = await database.query('select * from auditrum.erasures')
  expect(rows).toMatchObject([
    {
      change_reason: reason,
      table_name: 'customers',
      events: '4',
      columns: ['email', 'phone', 'status'],
      entries: erased.entries,
    },
  ])
  const entry = await database.query('select entry from auditrum.audit_seal where id = $1', [
    erased.entries[0],
  ])
  expect(entry.rows[0]?.entry).toMatchObject({
    kind: 'redact',
    events: 3,
    columns: ['email', 'phone', 'status'],
    redacted: [{ place: 0, columns: ['email', 'phone', 'status'] }, { place: 2 }, { place: 3 }],
  })
  expect(await audit.erase({ table: 'customers', id: 42 }, { reason })).toMatchObject({
    id: null,
    events: 0,
    entries: [],
  })
  expect((await audit.verifyTables()).ok).toBe(true)
  expect(
    (await database.query(`select new_data from auditrum.history('customers', '43')`)).rows,
  ).toEqual([{ new_data: { id: 43, email: 'other@example', phone: '222', status: 'new' } }])
})

test('one column, then another, under all names that it has had', async () => {
  const { database, audit } = await customers()
  await audit.seal()
  await audit.erase({ table: 'customers', id: 42 }, { columns: ['phone'], reason })
  expect(await verified(audit)).toEqual({ ok: true, redacted: 3, problems: [] })
  await database.query('alter table customers rename email to mail')
  const second = await audit.erase({ table: 'customers', id: 42 }, { columns: ['mail'], reason })
  expect(second).toMatchObject({ events: 3, columns: ['email', 'mail'], live: true })
  expect(await verified(audit)).toEqual({ ok: true, redacted: 3, problems: [] })
  const target = ['customers', 42] as const
  const erased = { value: null, masked: true, erased: true }
  expect((await audit.columnHistory(...target, 'phone'))[0]).toMatchObject(erased)
  expect((await audit.columnHistory(...target, 'mail'))[0]).toMatchObject(erased)
  expect((await audit.columnHistory(...target, 'status'))[0]).toMatchObject({ erased: false })
  const { events } = await audit.page({ table: 'customers', id: 42, order: 'asc' })
  expect(events.map(({ redacted, masked, new: now }) => [redacted, masked, now])).toEqual([
    [['email', 'phone'], ['email', 'phone'], { id: 42, status: 'new' }],
    [['email', 'phone'], ['email'], { id: 42, status: 'new' }],
    [['email', 'phone'], [], { id: 42, status: 'good' }],
  ])
  await expect(
    audit.erase({ table: 'customers', id: 42 }, { columns: ['id'], reason }),
  ).rejects.toThrow(/is of the key/)
  await expect(
    audit.erase({ table: 'customers', id: 42 }, { columns: ['fone'], reason }),
  ).rejects.toThrow(/phone/)
  await expect(audit.erase({ table: 'customers', id: 42 })).rejects.toThrow(/without a reason/)
})

test('what is tampered with, before or after, is told', async () => {
  const { database, audit } = await customers()
  await audit.seal()
  const [, { id } = { id: '' }] = await database.events('customers')
  await database.query(
    `update auditrum.audit_event set new = jsonb_set(new, '{status}', '"bad"') where id = 4`,
  )
  const refused = audit.erase({ table: 'customers', id: 42 }, { reason })
  await expect(refused).rejects.toBeInstanceOf(IntegrityError)
  await expect(refused).rejects.toThrow(/Event 4 .*verify-chain/)
  await expect(
    audit.erase({ table: 'customers', id: 42 }, { dryRun: true }),
  ).rejects.toBeInstanceOf(IntegrityError)
  await database.query(
    `update auditrum.audit_event set new = jsonb_set(new, '{status}', '"good"') where id = 4`,
  )
  await audit.erase({ table: 'customers', id: 42 }, { reason, columns: ['email'] })
  expect(await verified(audit)).toMatchObject({ ok: true })

  await database.query(
    `update auditrum.audit_event set new = jsonb_set(new, '{status}', '"bad"') where id = 4`,
  )
  expect(await verified(audit)).toMatchObject({ ok: false, problems: [['edited', '4']] })
  await database.query(
    `update auditrum.audit_event set new = jsonb_set(new, '{status}', '"good"') where id = 4`,
  )
  await database.query(
    `update auditrum.audit_event set new = new - 'email', redacted = '{email}' where id = ${id}`,
  )
  expect(await verified(audit)).toMatchObject({ ok: false, problems: [['redacted', id]] })
})

test('what nobody has sealed yet: the chain says that it was erased, when, by whom and why', async () => {
  const { database, audit } = await customers()
  const { events, entries } = await audit.erase({ table: 'customers', id: 42 }, { reason })
  expect({ events, entries }).toEqual({ events: 3, entries: ['1'] })
  const entry = await database.query('select entry from auditrum.audit_seal where id = 1')
  expect(entry.rows[0]?.entry).toMatchObject({ kind: 'redact', events: 0, redacted: [] })
  await audit.seal()
  expect(await verified(audit)).toEqual({ ok: true, redacted: 3, problems: [] })
  await database.query(`update auditrum.audit_erasure set reason = 'a mistake'`)
  expect(await verified(audit)).toMatchObject({ ok: false, problems: [['edited', null]] })
  await database.query('delete from auditrum.audit_erasure')
  expect(await verified(audit)).toMatchObject({ ok: false, problems: [['missing', null]] })
})

test('a log that is not sealed', async () => {
  const { database, audit } = await customers({ sealed: false })
  expect(await audit.erase({ table: 'customers', id: 42 }, { reason })).toMatchObject({
    events: 3,
    entries: [],
    live: true,
  })
  expect(await dumped(database)).not.toMatch(/jane@|111-jane/)
  expect((await database.query('select events, entries from auditrum.erasures')).rows).toEqual([
    { events: '3', entries: [] },
  ])
  expect(
    (
      await database.query(
        'select count(*)::integer from auditrum.audit_event where salt is not null',
      )
    ).rows,
  ).toEqual([{ count: 0 }])
})

test.for(['full', 'changed'] as const)(
  'what is not known any more is not told: image %s',
  async (image) => {
    const { database, audit } = await customers({ image })
    await audit.seal()
    const events = await database.events('customers')
    const at = (number: number) => ({ event: String(events[number]?.id) })
    const before = await audit.rowAsOf('customers', 42, at(0), { details: true }) // is kept
    expect(before).toMatchObject({ row: { email: 'jane@old.example' }, complete: true })
    await audit.erase({ table: 'customers', id: 42 }, { reason, columns: ['email'] })
    const now = { id: 42, phone: '111-jane', status: 'new' }
    expect(await audit.rowAsOf('customers', 42, at(0), { details: true })).toMatchObject({
      row: now,
      complete: false,
      approximate: ['email'],
    })
    expect(await audit.rowAsOf('customers', 42, at(0), { details: true })).toEqual(
      await audit.rowAsOf('customers', 42, at(0), { details: true }),
    )
    expect(await audit.rowAsOf('customers', 42, at(0))).toEqual(now)
    const table = await audit.tableAsOf('customers', at(0), { consistent: false })
    expect(table.complete).toBe(false)
    const rows = []
    for await (const row of table) rows.push(row)
    expect(rows).toEqual([now])
    const past = await database.query(
      `select * from auditrum.row_as_of(null::customers, '42', (select changed_at from auditrum.audit_event where id = $1))`,
      [events[0]?.id],
    )
    expect(past.rows).toMatchObject([{ id: 42, email: null }])

    expect(await audit.blame('customers', 42, { column: 'email' })).toMatchObject([
      { value: null, masked: true, erased: true, userId: 'jane', eventId: at(2).event },
    ])
    expect(await audit.columnHistory('customers', 42, 'email')).toMatchObject([
      { masked: true },
      { masked: true },
    ])
    expect(await audit.revert(at(2), { dryRun: true })).toMatchObject({
      omitted: [{ columns: ['email'], why: 'redacted' }],
      steps: [{ outcome: 'unchanged' }],
    })
    const tables = await audit.verifyTables()
    expect(tables).toMatchObject({ ok: true })
    // what comes later is known again
    await database.query(`update customers set email = 'anon' where id = 42`)
    expect(await audit.rowAsOf('customers', 42, at(3), { details: true })).toMatchObject({
      row: { email: 'jane@new.example' },
    })
    expect((await audit.tableAsOf('customers', new Date())).complete).toBe(true)
  },
)

test('wherever its key went, and the key as well once the row is gone', async () => {
  const { database, audit } = await customers()
  await database.query(
    `update customers set id = 50 where id = 42; update customers set phone = '333-jane' where id = 50`,
  )
  await audit.seal()
  await expect(
    audit.erase({ table: 'customers', id: 50 }, { reason, objectId: true }),
  ).rejects.toThrow(/while the row is there/)
  await database.query(
    `delete from customers where id = 50; insert into customers values (42, 'new@one.example', '9', 'new')`,
  )
  await audit.seal()
  await audit.erase({ table: 'customers', id: 50 }, { reason, objectId: true })
  expect(await dumped(database)).not.toMatch(/jane@|-jane|"object_id":"50"|"id": 50/)
  expect(await verified(audit)).toMatchObject({ ok: true, redacted: 6 })
  const [first] = await database.events('customers')
  expect(first?.object_id).toMatch(/^md5 0{8}[0-9a-f]{24}$/)
  const { events } = await audit.page({ table: 'customers', id: String(first?.object_id) })
  expect(events).toHaveLength(4)
  const rows = []
  for await (const row of await audit.tableAsOf(
    'customers',
    { event: String(first?.id) },
    { consistent: false },
  ))
    rows.push(row)
  expect(rows).toEqual([{}])
  // asked anew, by what was learnt of the table, and at a time when no key was erased yet
  for (const _ of [1, 2]) {
    const lost = await audit.rowAsOf(
      'customers',
      50,
      { event: String(events[1]?.id) },
      { details: true },
    )
    const { rows: acts } = await database.query(
      `select to_char(erased_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as at from auditrum.audit_table`,
    )
    expect(lost).toMatchObject({ row: null, complete: false, keysErasedUntil: acts[0]?.at })
    const never = await audit.rowAsOf('customers', 51, new Date(), { details: true })
    expect(never).toMatchObject({ row: null, complete: true })
    expect(never).not.toHaveProperty('keysErasedUntil')
  }
  expect(
    await audit.erase(
      { table: 'customers', id: String(first?.object_id) },
      { reason, objectId: true },
    ),
  ).toMatchObject({ events: 0 })
  expect((await audit.verifyTables()).ok).toBe(true)
  expect(await audit.rowAsOf('customers', 42, new Date())).toMatchObject({
    email: 'new@one.example',
  })
})

test('a former key finds what the row is called now', async () => {
  const { database, audit } = await customers()
  await database.query(
    `update customers set id = 50 where id = 42; update customers set phone = '333-jane' where id = 50; delete from customers where id = 50; insert into customers values (50, 'not@jane.example', '1', 'new')`,
  )
  expect(await audit.erase({ table: 'customers', id: 42 }, { reason })).toMatchObject({ events: 6 })
  expect(await dumped(database)).not.toMatch(/jane@|-jane/)
  expect(await dumped(database)).toMatch(/not@jane/)
})

test('who did it, of a user; and the reason of a row, with all that shares it', async () => {
  const { database, audit } = await customers()
  await audit.seal()
  const erased = await audit.erase({ user: 'jane' }, { reason })
  expect(erased).toMatchObject({
    events: 1,
    contexts: 1,
    live: null,
    columns: [
      'context.client_addr',
      'context.client_ip',
      'context.customer',
      'context.user_id',
      'context.username',
    ],
  })
  expect(await verified(audit)).toEqual({ ok: true, redacted: 1, problems: [] })
  const [event] = await audit
    .page({ table: 'customers', user: 'erased' })
    .then(({ events }) => events)
  expect(event).toMatchObject({
    redacted: [],
    userId: 'erased',
    diff: { email: { new: 'jane@new.example' } },
    context: { metadata: { source: 'web', change_reason: 'call of jane', user_id: 'erased' } },
  })
  expect(await audit.verifyTables()).toMatchObject({ ok: true, tables: [{ verified: 2 }] })
  await audit.revert({ event: String(event?.id) }, { dryRun: true })

  // row 43 was inserted in the same context
  expect(
    await audit.erase(
      { table: 'customers', id: 42 },
      { reason, context: true, columns: ['phone'] },
    ),
  ).toMatchObject({
    events: 4,
    contexts: 3,
    columns: ['context.change_reason', 'context.customer', 'phone'],
  })
  expect(await verified(audit)).toEqual({ ok: true, redacted: 4, problems: [] })
  expect(await dumped(database)).not.toMatch(/call of|Jane/)
  expect((await audit.page({ table: 'customers', id: 43 })).events).toMatchObject([
    { userId: 'anna', new: { phone: '222' } },
  ])
  // whoever purged or erased stays known
  await withContext({ user_id: 'anna' }, () =>
    audit.erase({ user: 'anna' }, { reason: 'request 119' }),
  )
  expect(
    (await database.query(`select change_reason from auditrum.erasures order by id desc limit 1`))
      .rows,
  ).toEqual([{ change_reason: 'request 119' }])
  expect(await verified(audit)).toMatchObject({ ok: true, redacted: 4 })
})

test('a rollback leaves nothing, and a snapshot of before is refused', async () => {
  const { database, audit } = await customers()
  await audit.seal()
  const before = await dumped(database)
  const client = await database.client()
  await client.query('begin')
  await client.query(`select auditrum.erase('customers', '42', reason => 'request 118')`)
  await client.query('rollback')
  expect(await dumped(database)).toBe(before)
  expect(await verified(audit)).toEqual({ ok: true, redacted: 0, problems: [] })
  await expect(
    inTransaction(client, [
      'set transaction isolation level repeatable read',
      `select auditrum.erase('customers', '42', reason => 'r')`,
    ]),
  ).rejects.toThrow(/READ COMMITTED|REPEATABLE READ|repeatable read/)
})

test('more events than an entry holds', async () => {
  const { database, audit } = await customers()
  await database.query(
    `do $$ begin for n in 1..2500 loop update customers set phone = n::text where id = 42; end loop; end $$`,
  )
  await audit.seal({ maxEvents: 700 })
  expect((await audit.erase({ table: 'customers', id: 42 }, { reason })).entries).toHaveLength(3)
  expect(await verified(audit)).toEqual({ ok: true, redacted: 2503, problems: [] })
})

test('while others write, seal and purge', async () => {
  const { database, audit } = await customers()
  const pool = database.pool({ max: 6 })
  const own = new Auditrum(pool)
  let going = true
  const forever = async (act: (round: number) => Promise<unknown>) => {
    for (let round = 0; going; round += 1) await act(round)
  }
  const others = [
    forever((round) =>
      pool.query(`insert into customers values ($1, 'w', 'w', 'w')`, [1000 + round]),
    ),
    forever(() =>
      pool.query(`update customers set status = clock_timestamp()::text where id = 42`),
    ),
    forever(() => own.seal({ maxEvents: 100 })),
    forever(() => own.purge({ olderThan: '1 year' })),
  ]
  for (let round = 0; round < 10; round += 1)
    await own.erase(
      { table: 'customers', id: 42 },
      { reason, columns: [round % 2 ? 'email' : 'phone'] },
    )
  going = false
  await Promise.all(others)
  await audit.seal()
  await own.erase({ table: 'customers', id: 42 }, { reason })
  expect(await verified(audit)).toMatchObject({ ok: true, problems: [] })
  expect(await dumped(database)).not.toMatch(/jane@|-jane/)
})

test('who may: nobody but the owner, and whom it lets', async () => {
  const { database } = await customers()
  const role = await database.role()
  const eraser = new Auditrum(role.pool())
  await database.query(`select auditrum.let_maintain('${role.name}')`)
  const refused = eraser.erase({ table: 'customers', id: 42 }, { reason })
  await expect(refused).rejects.toBeInstanceOf(SchemaError)
  await expect(refused).rejects.toThrow(/let_erase/)
  await database.query(`select auditrum.let_erase('${role.name}')`)
  expect(await eraser.erase({ table: 'public.customers', id: 42 }, { reason })).toMatchObject({
    events: 3,
    live: null,
  })
  await expect(
    eraser.erase({ table: 'public.customers', id: 42 }, { reason, objectId: true }),
  ).rejects.toThrow(/GRANT SELECT/)
  expect((await database.query('select db_user from auditrum.erasures')).rows).toEqual([
    { db_user: role.name },
  ])
  await expect(role.pool().query('update auditrum.audit_event set new = null')).rejects.toThrow(
    /permission denied/,
  )
})

test('an owner who is no superuser erases, in a transaction too', async () => {
  const database = await testDatabase()
  const owner = await database.role()
  await database.query(`grant create on database ${database.name} to ${owner.name};
    grant create on schema public to ${owner.name}`)
  const client = await owner.client()
  await client.query('create table people (id integer primary key, email text)')
  const audit = new Auditrum(client, { tables: [track('people')] })
  await audit.sync()
  await audit.enableSealing()
  await client.query(`insert into people values (1, 'jane@example'), (2, 'joe@example')`)
  await audit.seal()
  await audit.erase({ table: 'people', id: 1 }, { reason })
  await client.query('begin')
  await audit.erase({ table: 'people', id: 2 }, { reason })
  await client.query('commit')
  expect(await verified(audit)).toEqual({ ok: true, redacted: 2, problems: [] })
})

test('two erasures of one transaction and another one do not wait for each other', async () => {
  const { database, audit } = await customers()
  await database.tracked('orders', 'create table orders (id integer primary key, note text)')
  await database.query(`insert into orders values (42, 'by jane')`)
  const [one, other] = [await database.client(), await database.client()]
  const erase = (client: pg.Client, table: string, id: number) =>
    new Auditrum(client).erase(
      { table, id },
      { reason, columns: [table === 'orders' ? 'note' : 'email'] },
    )
  await one.query('begin')
  await erase(one, 'orders', 42)
  const waiting = erase(other, 'customers', 43)
  for (;;) {
    const { rows } = await database.query('select from pg_locks where not granted')
    if (rows.length > 0) break
  }
  await erase(one, 'customers', 42)
  await one.query('commit')
  expect(await waiting).toMatchObject({ events: 1 })
  expect(await verified(audit)).toMatchObject({ ok: true })
})

test('a hardened log, of which an application may erase nothing, and an admin only if it was let', async () => {
  const { database } = await customers()
  const [app, admin] = [await database.role(), await database.role()]
  const audit = new Auditrum(database.pool())
  await database.query(`select auditrum.let_erase('${app.name}')`)
  const roles = { appRole: app.name, adminRole: admin.name }
  expect(await audit.harden(roles)).toMatchObject({ ok: true })
  for (const role of [app, admin]) {
    const erased = new Auditrum(role.pool()).erase(
      { table: 'public.customers', id: 42 },
      { reason },
    )
    await expect(erased).rejects.toBeInstanceOf(SchemaError)
  }
  await database.query(`select auditrum.let_erase('${admin.name}')`)
  expect(await audit.harden(roles)).toMatchObject({ ok: true })
  expect((await audit.status()).findings).toMatchObject([{ code: 'undeclared' }])
  await new Auditrum(admin.pool()).erase({ table: 'public.customers', id: 42 }, { reason })
})

test('what was redacted is retired like the rest, and its record stays', async () => {
  const { database, audit } = await customers()
  await audit.seal()
  await audit.erase({ table: 'customers', id: 42 }, { reason, context: true })
  expect(await verified(audit)).toMatchObject({ ok: true, redacted: 4 })
  await database.query(
    `insert into auditrum.audit_purge (context_id, targets, drops, contexts_before) select 0, jsonb_build_object('1', now()), false, now()`,
  )
  await audit.maintain()
  expect(await audit.verifyChain()).toMatchObject({ ok: true, verified: 0, retired: 4 })
  expect((await database.query('select change_reason from auditrum.erasures')).rows).toEqual([
    { change_reason: reason },
  ])
})

/** Files of the log, in which a text is: heap, indexes and TOAST of its partitions. */
async function filesWith(database: AuditedDatabase, text: string): Promise<readonly string[]> {
  await database.query('checkpoint')
  const { rows } = await database.query<{ name: string; path: string }>(`
    with part as (
      select inhrelid as oid from pg_inherits
      where inhparent in ('auditrum.audit_event'::regclass, 'auditrum.audit_context'::regclass)
    ), heap as (
      select oid from part union all select reltoastrelid from part join pg_class using (oid) where reltoastrelid <> 0
      union all select oid from pg_class where relnamespace = 'auditrum'::regnamespace and relkind = 'r' and not relispartition
    ), file as (
      select oid from heap union all select indexrelid from pg_index join heap on indrelid = heap.oid
    )
    select oid::regclass::text as name, current_setting('data_directory') || '/' || pg_relation_filepath(oid) as path from file`)
  const found = []
  for (const { name, path } of rows) if ((await readFile(path)).includes(text)) found.push(name)
  return found.sort()
}

test('the bytes are gone from heap, indexes and TOAST', async () => {
  const { database, audit } = await customers()
  const short = `short-${randomBytes(8).toString('hex')}`
  // no piece of it occurs before it: compression leaves it as it is
  const long = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'].sort(() => Math.random() - 0.5).join('')
  await database.tracked('people', 'create table people (mail text primary key, photo text)')
  for (let number = 0; number < 30; number += 1) {
    await database.query('insert into people values ($1, $2)', [
      number === 15 ? short : `other ${number}`,
      long.repeat(number === 15 ? 1 : 0) + randomBytes(9000).toString('hex'),
    ])
  }
  await database.query('delete from people')
  await audit.seal()
  await database.query('analyze auditrum.audit_event, auditrum.audit_context')
  expect(await filesWith(database, short)).not.toEqual([])
  expect(await filesWith(database, long)).not.toEqual([])
  const { partitions } = await audit.erase(
    { table: 'people', id: short },
    { reason, objectId: true },
  )
  const statistics = await database.query(
    `select from pg_stats where schemaname = 'auditrum'
      and position($1 in concat(most_common_vals::text, histogram_bounds::text, most_common_elems::text)) > 0`,
    [short],
  )
  expect(statistics.rows).toEqual([])
  // VACUUM alone leaves what nothing has been written over; and FULL, what a transaction may see that is open
  // in any database of the server: other tests have such
  const remains = async () => {
    await database.query(`vacuum full ${partitions.map((name) => `auditrum.${name}`).join(', ')}`)
    return [...(await filesWith(database, short)), ...(await filesWith(database, long))]
  }
  await expect.poll(remains, { timeout: 100_000, interval: 500 }).toEqual([])
}, 120_000)

test('its reason and its context are its own, whatever a session has set, and where contexts are signed', async () => {
  const { database, audit } = await customers()
  await audit.seal()
  const client = await database.client()
  await client.query('begin')
  // another's context, as if this transaction had written it
  await client.query(`select set_config('auditrum.remembered', concat_ws(' ', pg_current_xact_id(), hashtextextended(
    '{"change_reason": "${reason}"}', 0), (select min(id) from auditrum.audit_context), '(0,1)'), true)`)
  await client.query(`select auditrum.erase('customers', '42', '${reason}', '{phone}')`)
  await client.query('commit')
  await audit.signContexts('k'.repeat(32))
  await new Auditrum(client).erase(
    { table: 'customers', id: 42 },
    { reason: 'request 119', columns: ['email'] },
  )
  const { rows } = await database.query(
    'select user_id, change_reason from auditrum.erasures order by id',
  )
  expect(rows).toEqual([
    { user_id: null, change_reason: reason },
    { user_id: null, change_reason: 'request 119' },
  ])
  expect(await verified(audit)).toMatchObject({ ok: true })
})

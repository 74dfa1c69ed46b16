import type pg from 'pg'
import { beforeAll, describe, expect, test } from 'vitest'
import { Auditrum, schemaSql } from '../../src/index.js'
import { type AuditedDatabase, auditedDatabase, inTransaction } from '../support.js'

let database: AuditedDatabase
let client: pg.Client
beforeAll(async () => {
  database = await auditedDatabase()
  await database.tracked('orders', 'create table orders (id serial primary key, note text)')
  client = await database.client({ application_name: 'shop' })
})

const give = (context: unknown) =>
  `select set_config('auditrum.context', ${quote(typeof context === 'string' ? context : JSON.stringify(context))}, true)`
const quote = (text: string) => `'${text.replaceAll("'", "''")}'`
const write = `insert into orders (note) values ('x')`

describe('a context', () => {
  test('given in SQL for a transaction is that of all its events, in one row', async () => {
    const events = await database.recorded(() =>
      inTransaction(client, [
        give({ user_id: 7, change_reason: 'why', source: 'web' }),
        write,
        write,
      ]),
    )
    expect(events).toMatchObject([
      { user_id: '7', change_reason: 'why', source: 'web', metadata: { user_id: 7 } },
      { user_id: '7' },
    ])
    expect(new Set(events.map(({ context_id }) => context_id)).size).toBe(1)
    expect(events[0]?.transaction_id).toBe(events[0]?.context_id)
  })

  test('as the adapters send it carries its id and that of its root', async () => {
    const id = '0d9ad5e2-6f57-4c2e-9f60-3b7b9ee59a10'
    const root = '5a4d2a6c-9a5f-4b57-8f4e-3d0c8e0d5c11'
    const event = await database.event(() =>
      inTransaction(client, [give({ v: 1, id, root, metadata: { user_id: 'anna' } }), write]),
    )
    expect(event).toMatchObject({
      context_uuid: id,
      root_uuid: root,
      user_id: 'anna',
      metadata: { user_id: 'anna' },
    })
  })

  test('ends with its transaction', async () => {
    const [first, second] = await database.recorded(async () => {
      await inTransaction(client, [give({ user_id: 7 }), write])
      await client.query(write)
    })
    expect(first?.user_id).toBe('7')
    expect(second).toMatchObject({ user_id: null, metadata: null, context_error: null })
  })

  test('that was not given is still a row, of what the database knows', async () => {
    const event = await database.event(() => client.query(write))
    expect(event).toMatchObject({
      metadata: null,
      user_id: null,
      application_name: 'shop',
      client_addr: expect.any(String),
      db_user: 'postgres',
    })
    expect(event.context_id).not.toBeNull()
  })

  test('that changes within a transaction is a new row; earlier events keep theirs', async () => {
    const [first, second, third] = await database.recorded(() =>
      inTransaction(client, [
        give({ change_reason: 'a' }),
        write,
        give({ change_reason: 'a -> b' }),
        write,
        give(''),
        write,
      ]),
    )
    expect([first, second, third].map((event) => event?.metadata)).toEqual([
      { change_reason: 'a' },
      { change_reason: 'a -> b' },
      null,
    ])
    expect(new Set([first, second, third].map((event) => event?.transaction_id)).size).toBe(1)
    expect(new Set([first, second, third].map((event) => event?.context_id)).size).toBe(3)
  })

  test('whose row went away with a savepoint is written again', async () => {
    const events = await database.recorded(() =>
      inTransaction(client, [give({ user_id: 7 }), 'savepoint a', write, 'rollback to a', write]),
    )
    expect(events).toMatchObject([{ user_id: '7' }])
  })

  test('never changes: an update of it is not what a later context does', async () => {
    await inTransaction(client, [give({ change_reason: 'first' }), write])
    const before = await database.query('select * from auditrum.audit_context order by id')
    await inTransaction(client, [give({ change_reason: 'second' }), write])
    const after = await database.query('select * from auditrum.audit_context order by id')
    expect(after.rows.slice(0, before.rows.length)).toEqual(before.rows)
  })
})

describe('a context that cannot be stored', () => {
  test.for([
    ['no JSON', '{', /json/],
    ['no object', '[1]', /JSON array, not an object/],
    ['a string', '"7"', /JSON string, not an object/],
    ['no uuid', JSON.stringify({ v: 1, id: 'x', root: 'x', metadata: { user_id: 7 } }), /uuid/],
    ['a NUL character', '{"user_id": "a\\u0000b"}', /Unicode/],
    ['too large', JSON.stringify({ user_id: 7, note: 'x'.repeat(70_000) }), /more than 65536/],
  ] as const)(
    'because it is %s: the write goes through, and says so',
    async ([, context, message]) => {
      const event = await database.event(() => inTransaction(client, [give(context), write]))
      expect(event).toMatchObject({
        metadata: null,
        user_id: null,
        context_error: expect.stringMatching(message),
        db_user: 'postgres',
      })
    },
  )

  test('is a finding of status', async () => {
    const status = await new Auditrum(database).status()
    expect(status.findings).toContainEqual(expect.objectContaining({ code: 'context_errors' }))
  })
})

describe('a forged link to a context', () => {
  const forge = (contextId: string, payload = '') =>
    `select set_config('auditrum.remembered', pg_current_xact_id()::text || ' ' || hashtextextended(${quote(payload)}, 0) || ' ' || ${quote(contextId)}, true)`

  test('attributes nothing to somebody else, hides no role, and is a finding of status', async () => {
    const victim = await database.event(() =>
      inTransaction(client, [give({ user_id: 'victim' }), write]),
    )
    const forged = await database.event(() =>
      inTransaction(client, [forge(String(victim.context_id)), write]),
    )
    expect(forged).toMatchObject({
      user_id: null,
      metadata: null,
      transaction_id: null,
      db_user: 'postgres',
    })
    const suppressed = await database.event(() => inTransaction(client, [forge('1'), write]))
    expect(suppressed).toMatchObject({ user_id: null, context_id: null, db_user: 'postgres' })
    const status = await new Auditrum(database).status()
    expect(status.findings).toContainEqual(
      expect.objectContaining({ code: 'events_without_context' }),
    )
  })

  test('does not make a later context part of the stranger’s transaction', async () => {
    const victim = await database.event(() =>
      inTransaction(client, [give({ user_id: 'victim' }), write]),
    )
    const events = await database.recorded(() =>
      inTransaction(client, [forge(String(victim.context_id)), give({ user_id: 'thief' }), write]),
    )
    expect(events).toMatchObject([{ user_id: 'thief' }])
    expect(events[0]?.transaction_id).not.toBe(victim.transaction_id)
  })

  test('left on the connection for later transactions does not silence them', async () => {
    await client.query(`set auditrum.remembered = '1 2 3'`)
    const event = await database.event(() => inTransaction(client, [give({ user_id: 7 }), write]))
    expect(event.user_id).toBe('7')
    await client.query('reset auditrum.remembered')
  })

  test('does not satisfy requireContext', async () => {
    await database.tracked('secrets', 'create table secrets (id serial primary key)', {
      requireContext: 'actor',
    })
    const victim = await database.event(() =>
      inTransaction(client, [give({ user_id: 'victim' }), write]),
    )
    await client.query('begin')
    await client.query(forge(String(victim.context_id)))
    await expect(client.query('insert into secrets default values')).rejects.toMatchObject({
      code: 'AU001',
    })
    await client.query('rollback')
  })
})

test('transactions stay apart when the log moves to a cluster with lower transaction ids', async () => {
  const copy = await auditedDatabase()
  await copy.query('create table orders (id serial primary key, note text)')
  await copy.track('orders')
  // the log of another cluster, whose transactions had the ids that this one will use next
  const { rows } = await copy.query<{ txid: string }>(
    'select (pg_current_xact_id()::text::bigint + 1)::text as txid',
  )
  const txid = rows[0]?.txid
  await copy.query(`
    insert into auditrum.audit_context (id, transaction_id, txid, started_at, uuid, root_uuid, user_id)
    select 1000 + n, 1000, (${txid} + n)::text::xid8, now(), gen_random_uuid(), gen_random_uuid(), 'stranger'
    from generate_series(0, 5) as n;
  `)
  const events = [await copy.event(write), await copy.event(`update orders set note = 'y'`)]
  expect(events).toMatchObject([{ user_id: null }, { user_id: null }])
  expect(events[0]?.transaction_id).not.toBe(events[1]?.transaction_id)
  expect(events.map(({ transaction_id }) => transaction_id)).not.toContain('1000')
})

test('a clock that stands still or steps back gives every context an id of its own', async () => {
  const copy = await auditedDatabase()
  await copy.tracked('orders', 'create table orders (id serial primary key, note text)')
  // the next context meets an id that exists already: same millisecond, same low bits
  await copy.query(`
    insert into auditrum.audit_context (id, transaction_id, txid, started_at, uuid, root_uuid)
    select (ms << 20) | ((last_value + 1) & 1048575), 0, '3', now(), gen_random_uuid(), gen_random_uuid()
    from auditrum.audit_context_id_seq,
      generate_series((extract(epoch from clock_timestamp()) * 1000)::bigint, (extract(epoch from clock_timestamp()) * 1000)::bigint + 20000) as ms
  `)
  const event = await copy.event(write)
  expect(event.context_id).not.toBeNull()
})

test('installing again keeps the log', async () => {
  const copy = await auditedDatabase()
  await copy.tracked('orders', 'create table orders (id serial primary key, note text)')
  const before = await copy.event(write)
  await copy.query(schemaSql())
  expect(await copy.events('orders')).toEqual([before])
  expect((await copy.event(write)).id).toBe(String(Number(before.id) + 1))
})

test.each([
  ['a long user_id', { user_id: 'x'.repeat(2_000) }, /user_id has 2000 bytes/],
  [
    'numbers that would fill the log',
    `{"x": [${Array(200).fill('1e100000').join()}]}`,
    /would fill \d+ bytes/,
  ],
])('%s does not make the write fail, nor reading', async (_, context, message) => {
  const logged = await database.event(() => inTransaction(client, [give(context), write]))
  expect(logged).toMatchObject({ metadata: null, context_error: expect.stringMatching(message) })
  expect((await new Auditrum(database).page({ limit: 1 })).events).toHaveLength(1)
})

test('a deeply nested context can be read', async () => {
  const deep = `{"n": 12345678901234567890, "d": ${'['.repeat(3_000)}${']'.repeat(3_000)}}`
  await database.event(() => inTransaction(client, [give(deep), write]))
  expect((await new Auditrum(database).page({ limit: 1 })).events).toHaveLength(1)
})

test('serializable writers of different rows do not fail because of their contexts', async () => {
  const own = await auditedDatabase()
  await own.tracked(
    'accounts',
    'create table accounts (id integer primary key, n integer); insert into accounts select n, 0 from generate_series(1, 5000) as n; analyze accounts',
    { requireContext: true },
  )
  const clients = await Promise.all([own.client(), own.client()])
  for (let round = 0; round < 20; round++) {
    const step = (text: (n: number) => string) =>
      Promise.all(clients.map((each, index) => each.query(text(index + 1))))
    await step(() => 'begin isolation level serializable')
    for (const reason of ['a', 'b']) {
      await step((n) => give({ user_id: n, change_reason: reason }))
      await step((n) => `update accounts set n = n + 1 where id = ${n * 2000}`)
    }
    await step(() => 'commit')
  }
  expect(await own.events('accounts')).toHaveLength(80)
})

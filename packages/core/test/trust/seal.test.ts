import { describe, expect, test } from 'vitest'
import { Auditrum, SchemaError, UsageError } from '../../src/index.js'
import { type AuditedDatabase, auditedDatabase } from '../support.js'

async function sealedLog(): Promise<{ database: AuditedDatabase; audit: Auditrum }> {
  const database = await auditedDatabase()
  await database.tracked('orders', 'create table orders (id int primary key, total int)')
  const audit = new Auditrum(database)
  await audit.enableSealing()
  return { database, audit }
}

/** Both ways of verifying agree; what they say. */
async function verified(audit: Auditrum) {
  const found = await audit.verifyChain()
  expect(await audit.verifyChain({ independent: true })).toEqual(found)
  return found
}

/** How many events each block holds. */
async function blocksOf(database: AuditedDatabase): Promise<number[]> {
  const { rows } = await database.query<{ events: number }>(
    `select (entry ->> 'events')::int as events from auditrum.audit_seal where entry ->> 'kind' = 'block' order by id`,
  )
  return rows.map(({ events }) => events)
}

test('what was there before is sealed with what came since, each event with a salt of its own', async () => {
  const database = await auditedDatabase()
  const audit = new Auditrum(database)
  await database.tracked('orders', 'create table orders (id int primary key)')
  await database.query('insert into orders select generate_series(1, 3)')
  expect(await audit.enableHashChain()).toBe(true)
  expect(await audit.enableSealing()).toBe(false)
  await database.query('insert into orders select generate_series(4, 5)')
  expect(await audit.seal()).toEqual({ blocks: 1, events: 5 })
  expect(await audit.seal()).toEqual({ blocks: 0, events: 0 })
  const { rows } = await database.query(
    'select count(distinct salt)::int as salts, min(octet_length(salt)) as bytes from auditrum.audit_event',
  )
  expect(rows).toEqual([{ salts: 5, bytes: 16 }])
  expect(await verified(audit)).toMatchObject({ ok: true, verified: 5, pending: 0, entries: 2 })
})

test('a transaction that runs for long holds up nothing, and is sealed when it is over', async () => {
  const { database, audit } = await sealedLog()
  const [long, short] = [await database.client(), await database.client()]
  await long.query('begin; insert into orders values (1)')
  for (let id = 10; id < 13; id += 1) {
    await short.query('begin; insert into orders values ($1)'.replace('$1', String(id)))
    await long.query(`insert into orders values (${100 + id})`)
    await short.query('commit')
    expect(await audit.seal()).toEqual({ blocks: 1, events: 1 })
  }
  expect(await verified(audit)).toMatchObject({ ok: true, verified: 3, pending: 0 })
  await long.query('commit')
  // older ids than those that are sealed
  expect(await verified(audit)).toMatchObject({ ok: true, verified: 3, pending: 4 })
  await short.query('insert into orders values (13)')
  expect(await audit.seal()).toEqual({ blocks: 1, events: 5 })
  expect(await verified(audit)).toMatchObject({ ok: true, verified: 8, pending: 0 })
})

test('a transaction that seals and goes on writing is sealed when it is over', async () => {
  const { database, audit } = await sealedLog()
  const [one, two] = [await database.client(), await database.client()]
  await one.query('begin')
  await one.query('insert into orders values (1)')
  await two.query('insert into orders values (2)')
  await one.query('select auditrum.seal()')
  await one.query('insert into orders values (3)')
  await one.query('commit')
  await two.query('insert into orders values (4)')
  await audit.seal()
  expect(await verified(audit)).toMatchObject({ ok: true, verified: 4, pending: 0 })
  await expect(audit.seal({ rebase: true })).rejects.toThrow(/cluster in which/)
})

test('what was rolled back is nowhere; what was prepared is sealed when it is committed', async () => {
  const { database, audit } = await sealedLog()
  const client = await database.client()
  await client.query(
    'begin; insert into orders values (1); savepoint a; insert into orders values (2); rollback to a; commit',
  )
  await client.query('begin; insert into orders values (3); rollback')
  await client.query(`begin; insert into orders values (4); prepare transaction 'sealed'`)
  expect(await audit.seal()).toEqual({ blocks: 1, events: 1 })
  await client.query(`commit prepared 'sealed'`)
  expect(await audit.seal()).toEqual({ blocks: 1, events: 1 })
  expect(await verified(audit)).toMatchObject({ ok: true, verified: 2, pending: 0 })
})

test('a round of many events is several blocks, also while others commit', async () => {
  const { database, audit } = await sealedLog()
  const early = await database.client()
  await early.query('begin; insert into orders values (-1)')
  await database.query('insert into orders select generate_series(1, 95)')
  const sealOne = () => database.query('select auditrum.seal_block(10)')
  await sealOne()
  await sealOne()
  // an older id than those of the round that is under way
  await early.query('commit')
  await database.query('insert into orders select generate_series(101, 105)')
  expect(await audit.seal({ maxEvents: 10 })).toEqual({ blocks: 9, events: 81 })
  expect(await blocksOf(database)).toEqual([10, 10, 10, 10, 10, 10, 10, 10, 10, 5, 6])
  expect(await verified(audit)).toMatchObject({ ok: true, verified: 101, pending: 0 })
})

test('a giant transaction is sealed in blocks', async () => {
  const { database, audit } = await sealedLog()
  await database.query('insert into orders select generate_series(1, 25000)')
  expect(await audit.seal()).toEqual({ blocks: 3, events: 25_000 })
  expect(await new Auditrum(database.pool()).verifyChain({ jobs: 2 })).toMatchObject({
    ok: true,
    verified: 25_000,
    pending: 0,
  })
})

test('sealers at the same time, among writers and who verifies, seal each event once', async () => {
  const { database, audit } = await sealedLog()
  const pool = database.pool({ max: 8 })
  let going = true
  const forever = async (act: (round: number) => Promise<unknown>) => {
    for (let round = 1; going; round += 1) await act(round)
  }
  const others = [1, 2, 3].map((writer) =>
    forever(async (round) => {
      const client = await pool.connect()
      await client.query(
        `begin; insert into orders select ${writer * 1_000_000 + round * 10} + generate_series(1, ${round % 9})`,
      )
      await client.query(round % 5 === 0 ? 'rollback' : 'commit')
      client.release()
    }),
  )
  const sealers = [1, 2, 3]
  const sealOnce = () => pool.query('select auditrum.seal(50)')
  const verifier = new Auditrum(pool)
  for (const independent of [false, true, false, true]) {
    const verifying = verifier.verifyChain({ independent })
    for (let round = 0; round < 3; round += 1) await Promise.all(sealers.map(sealOnce))
    expect(await verifying).toMatchObject({ ok: true, problems: [] })
  }
  going = false
  await Promise.all(others)
  await audit.seal()
  const { rows } = await database.query<{ log: string; sealed: string; different: string }>(`
    select (select count(*) from auditrum.audit_event) as log,
      (select count(*) from auditrum.audit_leaf, unnest(ids)) as sealed,
      (select count(distinct id) from auditrum.audit_leaf, unnest(ids) as id) as different
  `)
  expect(rows[0]).toEqual({ log: rows[0]?.log, sealed: rows[0]?.log, different: rows[0]?.log })
  expect(await verified(audit)).toMatchObject({
    ok: true,
    verified: Number(rows[0]?.log),
    pending: 0,
  })
})

test('whatever a session has set', async () => {
  const { database, audit } = await sealedLog()
  const client = await database.client()
  // an abbreviation that PostgreSQL takes for another zone's when it reads it
  await client.query(
    `set DateStyle = 'SQL, DMY'; set TimeZone = 'Asia/Kolkata'; set quote_all_identifiers = on`,
  )
  await client.query('insert into orders select generate_series(1, 10)')
  const own = new Auditrum(client)
  expect(await own.seal()).toEqual({ blocks: 1, events: 10 })
  const expected = { ok: true, verified: 10, pending: 0, problems: [] }
  expect(await verified(own)).toMatchObject(expected)
  expect(await verified(audit)).toMatchObject(expected)
})

test('a sequence that was set back is told before ids are given again', async () => {
  const { database, audit } = await sealedLog()
  await database.query('insert into orders select generate_series(1, 10)')
  await audit.seal()
  await database.query(`select setval('auditrum.audit_event_id_seq', 3)`)
  await database.query('insert into orders values (11)')
  await expect(audit.seal()).rejects.toThrow('The sequence of event ids is behind')
  expect((await verified(audit)).problems).toMatchObject([{ kind: 'added', event: '4' }])
  await database.query(
    `select setval('auditrum.audit_event_id_seq', (select max(id) from auditrum.audit_event))`,
  )
  await database.query('insert into orders values (12)')
  expect(await audit.seal()).toEqual({ blocks: 1, events: 1 })
})

test('whatever encoding a client has', async () => {
  const { database, audit } = await sealedLog()
  await database.tracked('notes', 'create table notes (id int primary key, body text)')
  const client = await database.client()
  await client.query(`set client_encoding = 'LATIN1'`)
  const eAcute = 233
  const euroSign = 8364 // which is not in it
  await client.query(
    `insert into notes values (1, chr(${eAcute})), (2, chr(${euroSign})), (3, repeat(chr(${eAcute}), 70000))`,
  )
  const own = new Auditrum(client)
  expect(await own.seal()).toEqual({ blocks: 1, events: 3 })
  const expected = { ok: true, verified: 3, pending: 0, problems: [] }
  expect(await own.verifyChain()).toMatchObject(expected)
  expect(await verified(audit)).toMatchObject(expected)
})

test('from SQL alone', async () => {
  const { database } = await sealedLog()
  await database.query('insert into orders select generate_series(1, 10)')
  const sealed = await database.query('select auditrum.seal() as did')
  expect(sealed.rows[0]?.did).toEqual({ blocks: 1, events: 10, more: false })
  const chain = async () =>
    (await database.query('select auditrum.verify_chain() as said')).rows[0]?.said
  expect(await chain()).toMatchObject({ ok: true, entries: 2, verified: 10, problems: [] })
  await database.query('delete from auditrum.audit_event where id = 4')
  expect(await chain()).toMatchObject({
    ok: false,
    verified: 9,
    problems: [{ kind: 'missing', event: '4', block: '1' }],
  })
  await database.query('truncate auditrum.audit_seal, auditrum.audit_leaf')
  expect(await chain()).toMatchObject({ ok: false, entries: 0, problems: [{ kind: 'truncated' }] })
})

test('what is verified bit by bit goes on where it was', async () => {
  const { database, audit } = await sealedLog()
  for (const id of [1, 20_001, 45_000])
    await database.query(
      `select setval('auditrum.audit_event_id_seq', ${id}, false); insert into orders values (${id})`,
    )
  await audit.seal()
  const told: { after: string; last: string }[] = []
  await audit.verifyChain({ onProgress: (progress) => told.push(progress) })
  expect(told.map(({ last }) => last)).toEqual(['45000', '45000', '45000'])
  expect(told.at(-1)?.after).toBe('45000')
  await database.query('delete from auditrum.audit_event where id in (1, 45000)')
  const rest = await audit.verifyChain({ after: String(told[1]?.after) })
  expect(rest).toMatchObject({
    ok: false,
    verified: 0,
    after: told[1]?.after,
    problems: [{ event: '45000' }],
  })
})

describe('refused', () => {
  test('before it is enabled', async () => {
    const audit = new Auditrum(await auditedDatabase())
    for (const call of [audit.seal(), audit.seal({ rebase: true }), audit.verifyChain()]) {
      await expect(call).rejects.toThrow(SchemaError)
      await expect(call).rejects.toThrow(/enable/)
    }
  })

  test('in a database that is not in UTF8', async () => {
    const audit = new Auditrum(await auditedDatabase({ encoding: 'LATIN1', locale: 'C' }))
    await expect(audit.enableSealing()).rejects.toThrow(/encoding is LATIN1/)
  })

  test('in a transaction that does not see what others commit', async () => {
    const { database } = await sealedLog()
    const client = await database.client()
    await client.query('begin isolation level repeatable read')
    await expect(new Auditrum(client).seal()).rejects.toThrow(/READ COMMITTED/)
  })

  test('where ids of events are handed out in advance', async () => {
    const { database, audit } = await sealedLog()
    await database.query('alter sequence auditrum.audit_event_id_seq cache 10')
    await expect(audit.seal()).rejects.toThrow(/CACHE 1/)
  })

  test('what makes no sense', async () => {
    const { audit } = await sealedLog()
    await expect(audit.seal({ maxEvents: 0 })).rejects.toThrow(UsageError)
    await expect(audit.verifyChain({ jobs: 0 })).rejects.toThrow(UsageError)
    await expect(audit.verifyChain({ after: 'x' })).rejects.toThrow(UsageError)
    await expect(audit.verifyChain({ digest: 'x' })).rejects.toThrow(/public key/)
  })
})

test('a reader may verify; who keeps the log may seal; the application may neither', async () => {
  const { database, audit } = await sealedLog()
  const [reader, keeper, app] = [
    await database.role(),
    await database.role(),
    await database.role(),
  ]
  await database.query(
    `select auditrum.let_read('${reader.name}'), auditrum.let_maintain('${keeper.name}')`,
  )
  await database.query(`grant insert on orders to ${app.name}`)
  await app.pool().query('insert into orders values (1)')
  expect(await new Auditrum(keeper.pool()).seal()).toEqual({ blocks: 1, events: 1 })
  expect(await new Auditrum(reader.pool()).verifyChain()).toEqual(await audit.verifyChain())
  for (const text of [
    'select auditrum.seal()',
    'select auditrum.seal_rebase()',
    'select * from auditrum.audit_seal',
  ])
    await expect(app.pool().query(text)).rejects.toThrow(/permission denied/)
  await expect(new Auditrum(keeper.pool()).enableSealing()).rejects.toThrow(SchemaError)
})

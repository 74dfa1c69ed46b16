import { beforeAll, describe, expect, test } from 'vitest'
import { type AuditEvent, Auditrum, verifyDigest, verifyProof } from '../../src/index.js'
import type { Proof } from '../../src/trust/proof.js'
import { entriesOf, keyPair, type SealedLog, sealedLog } from './support.js'

const { key, publicKey } = keyPair()

let log: SealedLog
/** An update of order 1, with a context. */
let update: AuditEvent
let digest: string

beforeAll(async () => {
  log = await sealedLog()
  await log.add(3)
  const client = await log.database.client()
  await client.query('begin')
  await client.query(`select set_config('auditrum.context', $1, true)`, [JSON.stringify(context)])
  await client.query(
    `update orders set status = 'paid', total = 12345678901234567890.10, doc = $1 where id = 1`,
    ['{"a": [1, 1e400, 0.10, "x\\\\\\"1", null], "ключ": "\\u2028"}'],
  )
  await client.query('commit')
  await log.seal()
  await log.add(12, 5)
  digest = await log.audit.digest({ key })
  const [event] = (await log.audit.page({ table: 'orders', id: 1, limit: 1 })).events
  update = event as AuditEvent
})

const uuid = '0b7c4a0e-8e0f-4b2a-9a53-6f1d3a5d2c10'
const metadata = { user_id: 'anna ü', change_reason: 'Payment "received"\n', big: 2 ** 53 }
const context = { v: 1, id: uuid, root: uuid, metadata }

describe('a proof', () => {
  test('proves an event to who has the public key and nothing else', async () => {
    const proof = await log.audit.prove(update.id, { digest })
    const proven = verifyProof(proof, { publicKey })
    expect(proven.digest).toEqual(verifyDigest(digest, publicKey))
    expect(proven.table).toBe('public.orders')
    expect(proven.redactions).toEqual([])
    expect(proven.block).toMatchObject({ events: 1, tables: ['public.orders'] })
    const { id, changedAt, operation, objectId, dbUser } = update
    expect(proven.event).toMatchObject({
      id,
      changedAt,
      operation,
      objectId,
      dbUser,
      image: 'full',
    })
    expect(proven.event.context).toMatchObject({
      ...{ id: uuid, rootId: uuid, userId: 'anna ü', metadata },
      transactionId: update.transactionId,
      clientAddr: update.context?.clientAddr ?? null,
    })
    const entry = JSON.parse((await entriesOf(log))[proven.block.id] ?? '')
    expect(entry).toMatchObject({ kind: 'block', by: proven.block.by })
    expect(Date.parse(proven.block.at)).toBe(Math.floor(entry.at / 1000))
  })

  test('rounds nothing', async () => {
    const proof = await log.audit.prove(update.id, { digest })
    expect(verifyProof(proof, { publicKey }).event).toMatchObject({
      old: { status: 'new', total: 1, doc: null },
      new: {
        id: 1,
        total: '12345678901234567890.10',
        doc: { a: [1, `1${'0'.repeat(400)}`, '0.10', 'x\\"1', null], ключ: '\u2028' },
      },
    })
  })

  test('is there for every event of every block, and every digest behind it', async () => {
    const other = await sealedLog()
    const digests: { events: number; text: string }[] = []
    for (const events of [3, 9, 18, 30, 51, 75]) {
      await other.add(events - (digests.at(-1)?.events ?? 0), 3)
      digests.push({ events, text: await other.audit.digest({ key }) })
    }
    const { events } = await other.audit.page({ limit: 1000, order: 'asc' })
    expect(events).toHaveLength(75)
    for (const [index, { id, objectId }] of events.entries()) {
      const later = digests.filter((digest) => digest.events > index)
      const proof = await other.audit.prove(id, {
        digest: String(later[index % later.length]?.text),
      })
      expect(verifyProof(proof, { publicKey }).event).toMatchObject({ id, objectId })
    }
  })

  test('without a digest in it needs the one of the same size', async () => {
    const proof = await log.audit.prove(update.id)
    expect(verifyProof(proof, { publicKey, digest }).event.id).toBe(update.id)
    expect(() => verifyProof(proof, { publicKey })).toThrow('Give the one of 6 entries')
    await log.add(1)
    const later = await log.audit.digest({ key })
    expect(() => verifyProof(proof, { publicKey, digest: later })).toThrow('this one is of 7')
  })

  test('is nothing with another key, or the digest of another log', async () => {
    const proof = await log.audit.prove(update.id, { digest })
    expect(() => verifyProof(proof, { publicKey: keyPair().publicKey })).toThrow('not by auditrum/')
    const other = await sealedLog()
    await other.add(25, 5)
    const foreign = await other.audit.digest({ key })
    expect(verifyDigest(foreign, publicKey).size).toBe(6)
    expect(() => verifyProof(proof, { publicKey, digest: foreign })).toThrow('for another chain')
    await expect(log.audit.prove(update.id, { digest: foreign })).rejects.toThrow(
      'does not lead to this digest',
    )
  })

  test('proves nothing once a single character of it was changed', async () => {
    const proof: Proof = JSON.parse(await log.audit.prove(update.id, { digest }))
    let tried = 0
    for (const changed of changedAnywhere(proof)) {
      const text = JSON.stringify(changed)
      expect(() => verifyProof(text, { publicKey }), text).toThrow()
      tried += 1
    }
    expect(tried).toBeGreaterThan(1000)
    expect(verifyProof(JSON.stringify(proof), { publicKey }).event.id).toBe(update.id)
  })

  test.for([
    ['no text', undefined, 'it is no JSON object'],
    ['a list', '[]', 'it is no JSON object'],
    ['of a later version', '{"format": "auditrum-proof/2"}', 'its format is "auditrum-proof/2"'],
    ['without members', '{"format": "auditrum-proof/1"}', 'a member is missing'],
  ] as const)('is none where it is %s', ([, text, why]) => {
    expect(() => verifyProof(text as string, { publicKey })).toThrow(`This is no proof: ${why}`)
  })
})

describe('what cannot be proven', () => {
  const proving = async (id: string, options = {}) =>
    log.audit.prove(id, options).then(
      () => undefined,
      ({ code, message }: { code: string; message: string }) => `${code}: ${message}`,
    )
  const newest = async () => String((await log.audit.page({ limit: 1 })).events[0]?.id)

  test('is what is not there, or not sealed', async () => {
    expect(await proving('999999')).toMatch(/^AUDITRUM_USAGE: Event 999999 is in no block/)
    expect(await proving('x')).toMatch(/^AUDITRUM_USAGE: "x" is no id of an event/)
    await log.database.query(`insert into orders (status) values ('new')`)
    expect(await proving(await newest())).toContain('it is not sealed yet')
  })

  test('is what was sealed later than the digest', async () => {
    await log.add(1)
    expect(await proving(await newest(), { digest })).toMatch(
      /^AUDITRUM_USAGE: .* the digest is of 6 entries\. Give a later digest\.$/,
    )
  })

  test('is what was edited, deleted, doubled or put into another block', async () => {
    await log.add(3)
    const id = await newest()
    const forged = async (statement: string) => {
      const client = await log.database.client()
      await client.query('begin')
      await client.query(statement)
      const said = await new Auditrum(client).prove(id).then(
        () => undefined,
        ({ code, message }: { code: string; message: string }) => `${code}: ${message}`,
      )
      await client.query('rollback')
      return said
    }
    expect(await forged('select')).toBeUndefined()
    expect(
      await forged(`update auditrum.audit_event set new = new || '{"total": 7}' where id = ${id}`),
    ).toMatch(/^AUDITRUM_INTEGRITY: .* is not what was sealed/)
    expect(
      await forged(
        `update auditrum.audit_context set user_id = 'eve' where id = (select context_id from auditrum.audit_event where id = ${id})`,
      ),
    ).toMatch(/^AUDITRUM_INTEGRITY: .* is not what was sealed/)
    expect(await forged(`delete from auditrum.audit_event where id = ${id}`)).toMatch(
      /^AUDITRUM_USAGE: .* is gone/,
    )
    expect(
      await forged(
        `insert into auditrum.audit_event select (e).* from (select jsonb_populate_record(e, jsonb_build_object('changed_at', e.changed_at + interval '1 second')) as e from auditrum.audit_event as e where id = ${id}) as copy`,
      ),
    ).toMatch(/^AUDITRUM_INTEGRITY: There are several events/)
    expect(
      await forged(
        `insert into auditrum.audit_leaf select 1000, first_id, last_id, since, until, ids, hashes from auditrum.audit_leaf where ${id} = any (ids)`,
      ),
    ).toMatch(/^AUDITRUM_INTEGRITY: .* more than one block/)
    expect(
      await forged(
        `update auditrum.audit_leaf set ids = array_prepend(ids[cardinality(ids)], ids[:cardinality(ids) - 1]) where ${id} = any (ids)`,
      ),
    ).toMatch(/^AUDITRUM_INTEGRITY: /)
    expect(
      await forged(
        `update auditrum.audit_leaf set hashes = set_byte(hashes, 0, 255 - get_byte(hashes, 0)) where ${id} = any (ids)`,
      ),
    ).toMatch(/^AUDITRUM_INTEGRITY: /)
    expect(
      await forged(
        `update auditrum.audit_seal set entry = replace(entry::text, '"by"', '"By"')::json where id = 2`,
      ),
    ).toMatch(/^AUDITRUM_INTEGRITY: The chain is broken/)
    expect(await forged('delete from auditrum.audit_seal')).toMatch(
      /^AUDITRUM_INTEGRITY: .* which has only 0 entries/,
    )
    expect(await forged('delete from auditrum.audit_leaf')).toContain(
      'not sealed yet, or the hashes of its block are gone',
    )
  })
})

test('who may read the log signs it, and proves what is in it', async () => {
  const role = await log.database.role()
  await log.database.query('select auditrum.let_read($1::regrole)', [role.name])
  const auditor = new Auditrum(await role.client())
  const own = await auditor.digest({ key, previous: digest })
  const proof = await auditor.prove(update.id, { digest: own })
  expect(verifyProof(proof, { publicKey }).event.id).toBe(update.id)
})

describe('a redacted event', () => {
  const newest = async () => (await log.audit.page({ limit: 1 })).events[0] as AuditEvent
  const redact = ({ objectId }: AuditEvent, columns: readonly string[]) =>
    log.audit.erase({ table: 'orders', id: String(objectId) }, { columns, reason: 'request 118' })

  test('is proven for what is left of it, with every erasure', async () => {
    await log.add(5, 2)
    const event = await newest()
    const { id } = event
    const before = await log.audit.digest({ key })
    const original = await log.audit.prove(id, { digest: before })
    await redact(event, ['status'])
    await redact(event, ['total'])
    const after = await log.audit.digest({ key, previous: before })
    const proof = await log.audit.prove(id, { digest: after })
    const proven = verifyProof(proof, { publicKey })
    expect(proven.event).toMatchObject({ id, redacted: ['status', 'total'], new: { doc: null } })
    expect(proven.event.new).not.toHaveProperty('status')
    const { size } = verifyDigest(after, publicKey)
    expect(proven.redactions).toMatchObject([
      { id: size - 2, columns: ['status'] },
      { id: size - 1, columns: ['total'] },
    ])
    expect(proven.event.new).not.toHaveProperty('total')
    // who was given a proof before has it still
    expect(verifyProof(original, { publicKey }).event.new).toHaveProperty('status', 'new')
    await expect(log.audit.prove(id, { digest: before })).rejects.toThrow('give a later digest')
    const parsed: Proof = JSON.parse(proof)
    const { redactions } = parsed
    for (const fewer of [redactions.slice(0, 1), redactions.toReversed(), []]) {
      const text = JSON.stringify({ ...parsed, redactions: fewer })
      expect(() => verifyProof(text, { publicKey })).toThrow('The proof does not hold')
    }
    // whoever leaves out an earlier one leaves out what it says, and what is left is proven still
    const last = JSON.stringify({ ...parsed, redactions: redactions.slice(1) })
    expect(verifyProof(last, { publicKey }).event.redacted).toEqual(['status', 'total'])
    for (const changed of changedAnywhere({ ...parsed, redactions: redactions.slice(1) }, 7)) {
      expect(() => verifyProof(JSON.stringify(changed), { publicKey })).toThrow()
    }
  })

  test('is not proven once something else of it was changed, or without an entry', async () => {
    await log.add(5, 2)
    const event = await newest()
    const { id } = event
    await redact(event, ['status'])
    await log.forge(`update auditrum.audit_event set new = new || '{"total": 0}' where id = ${id}`)
    await expect(log.audit.prove(id)).rejects.toMatchObject({ code: 'AUDITRUM_INTEGRITY' })
    const another = String(BigInt(id) - 1n)
    await log.forge(
      `update auditrum.audit_event set new = new - 'status', redacted = '{status}' where id = ${another}`,
    )
    await expect(log.audit.prove(another)).rejects.toThrow('none of the first')
  })
})

/** The same with one character of a text changed, a number one more, a list shorter; every nth of these. */
function* changedAnywhere(value: unknown, nth = 1): Generator<unknown> {
  let count = 0
  for (const changed of changes(value)) if (count++ % nth === 0) yield changed
}

function* changes(value: unknown): Generator<unknown> {
  if (typeof value === 'string') {
    for (let at = 0; at < value.length; at += 1) {
      const other = value[at] === 'A' ? 'B' : 'A'
      yield value.slice(0, at) + other + value.slice(at + 1)
    }
  } else if (typeof value === 'number') {
    yield value + 1
  } else if (Array.isArray(value)) {
    for (const [index, element] of value.entries()) {
      for (const changed of changes(element)) yield value.with(index, changed)
    }
    if (value.length > 0) yield value.slice(1)
  } else if (typeof value === 'object' && value !== null) {
    for (const [name, member] of Object.entries(value)) {
      for (const changed of changes(member)) yield { ...value, [name]: changed }
      if (member !== null) yield { ...value, [name]: null }
    }
  }
}

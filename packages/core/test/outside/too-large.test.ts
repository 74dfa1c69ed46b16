import { generateKeyPairSync } from 'node:crypto'
import { beforeAll, expect, test } from 'vitest'
import { Auditrum, UsageError, verifyProof } from '../../src/index.js'
import { type AuditedDatabase, auditedDatabase } from '../support.js'

const { privateKey, publicKey } = generateKeyPairSync('ed25519', {
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
})
const inOrder = { ok: true, verified: 4, pending: 0, problems: [] }
let database: AuditedDatabase
let audit: Auditrum

beforeAll(async () => {
  database = await auditedDatabase()
  audit = new Auditrum(database)
  await database.tracked(
    'orders',
    'create table orders (id int primary key, note jsonb, total int)',
  )
  await audit.enableSealing()
  // a few kilobytes where they are stored, and over a gigabyte as text: each number has 131072 digits
  await database.query(`insert into orders values
    (1, '{}', 1), (2, (select jsonb_agg('1e131071'::numeric) from generate_series(1, 9000)), 2), (3, to_jsonb(repeat('x', 200000)), 3)`)
  await database.query(`insert into orders values (4, '{}', 4)`)
})

test('an event that is too large to be hashed whole holds up nothing, and the rest of it is protected', async () => {
  expect(await audit.seal()).toEqual({ blocks: 1, events: 4 })
  // seconds each time: what proves and what seals asks the same functions as who verifies there
  expect(await audit.verifyChain({ independent: true })).toMatchObject(inOrder)
  const digest = await audit.digest({ key: privateKey })
  const proven = verifyProof(await audit.prove('2', { digest }), { publicKey })
  expect(proven.event).toMatchObject({
    tooLarge: true,
    objectId: '2',
    new: { note: 'too large', total: expect.stringMatching(/^[0-9a-f]{64}$/) },
  })

  const set = `update auditrum.audit_event set new = new ||`
  await database.query(`${set} '{"total": 0}' where id = 2`)
  const edited = { ok: false, verified: 3, problems: [{ kind: 'edited', event: '2' }] }
  expect(await audit.verifyChain({ independent: true })).toMatchObject(edited)
  await database.query(`${set} '{"total": 2, "note": "too large"}' where id = 2`)
  expect(await audit.verifyChain()).toMatchObject(edited)
  expect(await audit.verifyChain({ independent: true })).toMatchObject(edited)
}, 180_000)

test('an event that is too large for a proof is verified where it is', async () => {
  await database.query(`insert into orders values (5, to_jsonb(repeat('x', 70000000)), 5)`)
  await audit.seal()
  const refused = audit.prove('5')
  await expect(refused).rejects.toThrow(UsageError)
  await expect(refused).rejects.toThrow(
    /Event 5 is 70\d{6} bytes of text, and a proof holds 67108864/,
  )
})

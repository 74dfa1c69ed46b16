import { generateKeyPairSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { Auditrum, type ChainVerification } from '../../src/index.js'
import { type AuditedDatabase, auditedDatabase } from '../support.js'
import { sealed, threats, threatTable } from './threats.js'

const { privateKey, publicKey } = generateKeyPairSync('ed25519', {
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
})
let database: AuditedDatabase
let digest: string

beforeAll(async () => {
  database = await auditedDatabase()
  await database.tracked('orders', 'create table orders (id int primary key, total int)')
  const audit = new Auditrum(database)
  await audit.enableSealing()
  for (const text of sealed) await database.query(text)
  digest = await audit.digest({ key: privateKey })
  await database.query('insert into orders values (42, 42)')
})

test('a log that nobody tampered with is in order', async () => {
  const audit = new Auditrum(database)
  const expected = { ok: true, verified: 40, pending: 1, problems: [] }
  expect(await audit.verifyChain()).toMatchObject(expected)
  expect(await audit.verifyChain({ digest, publicKey, independent: true })).toMatchObject(expected)
})

test.each(threats)('$title', async ({ act, database: alone, digest: outside }) => {
  const client = await database.client()
  const audit = new Auditrum(client)
  const kinds = async (options: Parameters<typeof audit.verifyChain>[0]) => {
    const { ok, problems } = await audit.verifyChain(options)
    expect(ok).toBe(problems.length === 0)
    return problems.length === 0 ? null : problems.map(({ kind }) => kind).sort()
  }
  const sorted = (list: typeof alone) => list && [...list].sort()
  onTestFinished(async () => void (await client.query('rollback')))
  await client.query('begin')
  await client.query(act)
  for (const independent of [false, true]) {
    expect(await kinds({ independent })).toEqual(sorted(alone))
    expect(await kinds({ independent, digest, publicKey })).toEqual(sorted(outside))
  }
  const { rows } = await client.query('select auditrum.verify_chain() as said')
  const { ok, problems }: ChainVerification = rows[0].said
  expect(ok).toBe(alone === null)
  expect(problems.map(({ kind }) => kind).sort()).toEqual(sorted(alone) ?? [])
})

test('the guide says what was tried here', () => {
  const guide = readFileSync(
    new URL('../../../../docs/tamper-evidence.md', import.meta.url),
    'utf8',
  )
  const narrow = (text: string) =>
    text.replace(/(?<=\|.*) {2,}/g, ' ').replace(/(?<=\| )-+(?= \|)/g, '-')
  expect(narrow(guide)).toContain(narrow(threatTable()))
})

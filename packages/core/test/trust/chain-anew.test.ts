import { expect, test } from 'vitest'
import { Auditrum, type ChainVerification } from '../../src/index.js'
import { keyPair, sealedLog } from '../outside/support.js'
import { auditedDatabase } from '../support.js'

const { key, publicKey } = keyPair()
const reason = 'audit_seal was lost with disk 3'

/** A log of several blocks, with a digest; and an event that was erased from. */
async function log() {
  const { add, audit, database, forge } = await sealedLog()
  await add(6, 2)
  await audit.erase({ table: 'orders', id: 2 }, { columns: ['status'], reason: 'request 118' })
  const digest = await audit.digest({ key })
  /** Both ways of verifying say the same. */
  const verified = async (given = {}): Promise<ChainVerification> => {
    const found = await audit.verifyChain(given)
    expect(await audit.verifyChain({ ...given, independent: true })).toEqual(found)
    return found
  }
  return { audit, database, digest, forge, verified }
}

const losses: readonly (readonly [what: string, statements: string, says: RegExp])[] = [
  [
    'whose end is gone',
    'delete from auditrum.audit_seal where id > 1',
    /^The chain was cut: it ends with entry 1, and there are hashes of block 3\./,
  ],
  [
    'that is gone',
    'delete from auditrum.audit_seal',
    /^The chain is gone, though the log was sealed\./,
  ],
  [
    'whose last leaves are gone',
    'delete from auditrum.audit_leaf where block = (select max(block) from auditrum.audit_leaf)',
    /^The hashes of block 3 are gone, and its events were not retired\./,
  ],
  [
    'that is gone with its leaves',
    'truncate auditrum.audit_seal, auditrum.audit_leaf',
    /^The chain is gone, though the log was sealed\./,
  ],
]

test.for(losses)(
  'a chain %s is not gone on with; another one says whose place it takes',
  async ([, statements, says]) => {
    const { audit, database, digest, forge, verified } = await log()
    const was = await audit.verifyChain()
    expect(was.start).toMatchObject({ reason: null, former: null })
    await forge(statements)
    const { rows } = await database.query<{ entries: number }>(
      'select count(*)::int as entries from auditrum.audit_seal',
    )
    const left = Number(rows[0]?.entries)
    const refused = { code: 'AUDITRUM_INTEGRITY', message: expect.stringMatching(says) }
    await expect(audit.seal()).rejects.toMatchObject(refused)
    const target = { table: 'orders', id: 3 }
    await expect(audit.erase(target, { reason: 'request 119' })).rejects.toMatchObject(refused)
    // what purge calls for each partition
    await expect(
      database.query(`select auditrum.retire(1, 'auditrum.audit_event', '{}', null, null)`),
    ).rejects.toThrow(says)
    const enabled = audit.enableSealing()
    if (left > 0) expect(await enabled).toBe(false)
    else await expect(enabled).rejects.toMatchObject(refused)
    expect((await verified()).ok).toBe(false)
    expect((await audit.status()).findings).toContainEqual(
      expect.objectContaining({
        code: left > 0 ? 'sealing_cut' : 'sealing_gone',
        severity: 'error',
      }),
    )

    await expect(audit.enableSealing({ anew: true })).rejects.toThrow('Say what happened')
    expect(await audit.enableSealing({ anew: true, reason })).toBe(true)
    await audit.seal()
    const found = await verified()
    expect(found).toMatchObject({ ok: true, verified: was.verified, pending: 0 })
    expect(found.start).toMatchObject({ reason, former: { entries: left } })
    expect(Date.parse(found.start?.at ?? '')).toBeGreaterThan(Date.parse(was.start?.at ?? ''))
    // whoever has a digest of before sees it for good
    await database.query(`insert into orders (status) values ('new')`)
    await audit.seal()
    expect(await verified({ digest, publicKey })).toMatchObject({
      ok: false,
      problems: [{ kind: 'rewritten', message: expect.stringContaining('begun anew') }],
    })
    expect(await verified({ digest: await audit.digest({ key }), publicKey })).toMatchObject({
      ok: true,
    })
    // it is no way to tidy up
    await expect(audit.enableSealing({ anew: true, reason })).rejects.toThrow('is in order')
  },
)

test('a table of the chain that was dropped is missed, made again, and not taken for a new one', async () => {
  const { audit, database, verified } = await log()
  await database.query('drop table auditrum.audit_seal')
  const { findings } = await audit.status()
  expect(findings.filter(({ severity }) => severity !== 'info')).toEqual([
    expect.objectContaining({
      message: 'auditrum.audit_seal is missing',
      remedy: expect.stringContaining('When the chain is lost'),
    }),
  ])
  expect(await audit.sync()).toMatchObject({ recreated: ['auditrum.audit_seal'] })
  expect(await audit.sync()).toMatchObject({ recreated: [] })
  expect((await audit.status()).findings).toContainEqual(
    expect.objectContaining({ code: 'sealing_gone' }),
  )
  expect(await verified()).toMatchObject({ ok: false, start: null })
  await expect(audit.seal()).rejects.toThrow('The chain is gone')
})

test('there is nothing to take the place of where nothing was sealed', async () => {
  const audit = new Auditrum(await auditedDatabase())
  await expect(audit.enableSealing({ anew: true, reason })).rejects.toThrow('not sealed yet')
  await expect(audit.enableSealing({ reason })).rejects.toThrow('give both')
})

test('a copy of the schema alone begins a chain as always', async () => {
  const database = await auditedDatabase()
  const audit = new Auditrum(database)
  await audit.enableSealing()
  await database.query('truncate auditrum.audit_seal')
  expect(await audit.enableSealing()).toBe(true)
})

test('who may read the log, and not its tables, is told what verifying without its functions takes', async () => {
  const { audit, database } = await log()
  const role = await database.role()
  await database.query(`select auditrum.let_read('${role.name}')`)
  const reader = new Auditrum(await role.client())
  const found = { ok: true, verified: (await audit.verifyChain()).verified }
  expect(await reader.verifyChain()).toMatchObject(found)
  const refused = reader.verifyChain({ independent: true })
  const [, grant] =
    /(GRANT SELECT ON .*) \(/.exec(String(await refused.catch((error) => error))) ?? []
  await database.query(`set search_path = auditrum; ${grant} to ${role.name}; reset search_path`)
  expect(await reader.verifyChain({ independent: true })).toMatchObject(found)
})

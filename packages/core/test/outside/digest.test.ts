import { beforeAll, describe, expect, test } from 'vitest'
import { Auditrum, type Queryable, verifyDigest } from '../../src/index.js'
import { checkDigest, checkDigests } from '../../src/trust/check-digests.js'
import { auditedDatabase } from '../support.js'
import { keyPair, type SealedLog, sealedLog } from './support.js'

const { key, publicKey } = keyPair()
const another = keyPair()

describe('a digest', () => {
  let log: SealedLog
  beforeAll(async () => {
    log = await sealedLog()
    await log.add(20, 3)
  })

  test('says how many entries the chain has, and the root that the database comes to as well', async () => {
    const digest = verifyDigest(await log.audit.digest({ key }), publicKey)
    const { rows } = await log.database.query(`
      select count(*)::integer as size, min(entry ->> 'log') as log,
        encode(auditrum.merkle_root(string_agg(auditrum.entry_leaf(entry), '' order by id)), 'base64') as root
      from auditrum.audit_seal`)
    expect(digest).toEqual({ ...rows[0], origin: `auditrum/${rows[0]?.log}` })
    expect(digest.size).toBe(8)
  })

  test('is the same text until something is sealed', async () => {
    const first = await log.audit.digest({ key })
    expect(await log.audit.digest({ key, previous: first })).toBe(first)
    await log.add(1)
    const second = await log.audit.digest({ key, previous: first })
    expect(verifyDigest(second, publicKey).size).toBe(verifyDigest(first, publicKey).size + 1)
  })

  test('is signed behind one that a former key has signed, if that is known', async () => {
    const previous = await log.audit.digest({ key: another.key })
    await expect(log.audit.digest({ key, previous })).rejects.toMatchObject({
      code: 'AUDITRUM_INTEGRITY',
      message: expect.stringContaining('Give the public key of who signed it'),
    })
    await log.audit.digest({ key, previous, publicKey: another.publicKey })
  })

  test('costs the database nothing but the entries, and shows it nothing of the key', async () => {
    const seen: unknown[][] = []
    const queryable: Queryable = {
      query: (text, values = []) => {
        seen.push([text, ...values])
        return log.database.query(text, values)
      },
    }
    await new Auditrum(queryable).digest({ key })
    expect(seen).toEqual([[expect.stringMatching(/^[^(]*$/), '-9223372036854775808', 1000]])
  })

  test('is of long chains, too: page by page, or row by row', async () => {
    const long = await sealedLog()
    await long.database.query(
      `select auditrum.seal_append('retire', jsonb_build_object('purge', '1', 'record', encode(sha256(''), 'hex'), 'events', 1, 'retired', '[{"block": 0, "events": 1}]'::jsonb))
       from generate_series(1, 2100)`,
    )
    const query: Queryable['query'] = (text, values) => long.database.query(text, values)
    const stream = async function* (text: string, values: unknown[] = []) {
      yield* (await long.database.query(text, values)).rows
    }
    const [byPage, byRow] = await Promise.all(
      [{ query }, { query, stream }].map((queryable) => new Auditrum(queryable).digest({ key })),
    )
    expect(byPage).toBe(byRow)
    expect(verifyDigest(String(byPage), publicKey).size).toBe(2101)
  })

  test.for([
    ['without a key', {}, 'no PEM text'],
    ['with a public key', { key: another.publicKey }, 'A public key was given to sign with'],
    ['behind what is no digest', { key, previous: 'nonsense' }, 'This is no signed note'],
    ['with a misspelt option', { key, previos: '' }, 'no option "previos"'],
  ] as const)('is refused %s', async ([, options, why]) => {
    await expect(log.audit.digest(options as never)).rejects.toMatchObject({
      code: 'AUDITRUM_USAGE',
      message: expect.stringContaining(why),
    })
  })
})

test('without sealing there is no digest', async () => {
  const audit = new Auditrum(await auditedDatabase())
  await expect(audit.digest({ key })).rejects.toMatchObject({
    code: 'AUDITRUM_SCHEMA',
    message: expect.stringContaining('not sealed'),
  })
})

/** What somebody does who may do anything in the database. */
const attacks: readonly (readonly [
  what: string,
  statements: string,
  kind: string,
  says: string | RegExp,
])[] = [
  [
    'the newest entries are deleted',
    'delete from auditrum.audit_seal where id > 4; delete from auditrum.audit_leaf where block > 4',
    'truncated',
    'was signed over 7 entries, of which those from 5 on are missing',
  ],
  [
    'all entries are deleted',
    'delete from auditrum.audit_seal',
    'truncated',
    'this one has none: they were deleted',
  ],
  [
    'an entry in the middle is deleted',
    'delete from auditrum.audit_seal where id = 5',
    'rewritten',
    'something from entry 4 to 6',
  ],
  [
    'an entry is edited',
    `update auditrum.audit_seal set entry = replace(entry::text, '"events": 3', '"events": 2')::json where id = 5`,
    'rewritten',
    'something from entry 4 to 6',
  ],
  [
    'an event is edited and everything sealed anew, in the same name',
    `update auditrum.audit_event set new = new || '{"total": 1000000}' where id = 2;
     delete from auditrum.audit_leaf; delete from auditrum.audit_seal where id > 0;
     select auditrum.seal(2)`,
    'rewritten',
    'something from entry 0 to 3',
  ],
  [
    'the chain is begun anew',
    `delete from auditrum.audit_leaf; delete from auditrum.audit_seal;
     alter table auditrum.audit_event alter column salt drop default;
     select auditrum.enable_sealing(); select auditrum.seal(3)`,
    'rewritten',
    'the chain was begun anew',
  ],
]

test.for(attacks)('caught by a digest: %s', async ([, statements, kind, says]) => {
  const log = await sealedLog()
  await log.add(8, 3)
  const older = await log.audit.digest({ key })
  await log.add(7, 3)
  const newer = await log.audit.digest({ key, previous: older })
  expect(await checkDigests(log.database, 'auditrum', [newer, older], publicKey)).toEqual([])
  await log.forge(statements)
  const problems = await checkDigest(log.database, 'auditrum', newer, publicKey)
  expect(problems).toEqual([
    {
      kind,
      event: null,
      block: null,
      message: expect.stringMatching(/^The digest of 7 entries .*\.$/),
    },
  ])
  // with the older one it is known better where
  const all = await checkDigests(log.database, 'auditrum', [newer, older], publicKey)
  expect(all[0]?.message).toMatch(says)
  // whoever tries to sign over it is refused
  await expect(log.audit.digest({ key, previous: newer })).rejects.toMatchObject({
    code: 'AUDITRUM_INTEGRITY',
  })
  // also once it has grown, where sealing goes on at all
  await log.add(20, 3).catch(() => {})
  await expect(log.audit.digest({ key, previous: newer })).rejects.toMatchObject({
    code: 'AUDITRUM_INTEGRITY',
  })
})

test('a chain that is broken is not signed, also where no older digest tells', async () => {
  const log = await sealedLog()
  await log.add(9, 3)
  await log.forge(
    `update auditrum.audit_seal set entry = replace(entry::text, '"events": 3', '"events": 2')::json where id = 2`,
  )
  await expect(log.audit.digest({ key })).rejects.toThrow(
    'entry 3 does not follow the entry 2 that is there: entry 2 was changed, or what entry 3 says of it',
  )
})

describe('a folder of digests', async () => {
  const log = await sealedLog()
  const digests: { name: string; text: string }[] = []
  for (let day = 1; day <= 6; day += 1) {
    await log.add(5, 2)
    digests.push({ name: `day ${day}`, text: await log.audit.digest({ key }) })
  }
  const check = (given = digests) => checkDigests(log.database, 'auditrum', given, publicKey)

  test('is checked in one reading of the chain', async () => {
    let statements = 0
    const query: Queryable['query'] = (text, values) => {
      statements += 1
      return log.database.query(text, values)
    }
    expect(await checkDigests({ query }, 'auditrum', digests, publicKey)).toEqual([])
    expect(statements).toBe(1)
    expect(await check([])).toEqual([])
  })

  test('tells between which of them something was changed, and how many tell it', async () => {
    const edited = async (by: string) =>
      log.forge(
        `update auditrum.audit_seal set entry = replace(entry::text, ${by})::json where id = 8`,
      )
    await edited(`'"by"', '"By"'`)
    expect((await check()).map(({ message }) => message)).toEqual([
      'The digest day 3 was signed over other entries than are there now: something from entry 7 to 9 was changed, added or removed since (the same is true of 3 more, up to the digest day 6).',
    ])
    await edited(`'"By"', '"by"'`)
    expect(await check()).toEqual([])
  })

  test('names one that was signed over another past', async () => {
    const other = await sealedLog()
    const { rows } = await log.database.query(
      'select entry::text from auditrum.audit_seal where id = 0',
    )
    await other.forge(`update auditrum.audit_seal set entry = '${rows[0]?.entry}'`)
    await other.add(5, 2)
    const fork = { name: 'from the copy', text: await other.audit.digest({ key }) }
    const [problem, ...more] = await check([...digests, fork])
    expect(problem?.message).toContain('two different pasts of 4 entries were signed')
    expect(more).toEqual([])
  })

  test('refuses one that somebody else has signed, by its name', async () => {
    const text = await log.audit.digest({ key: another.key })
    await expect(check([...digests, { name: 'x.digest', text }])).rejects.toMatchObject({
      code: 'AUDITRUM_INTEGRITY',
      message: expect.stringMatching(/^"x.digest": It is signed by auditrum/),
    })
  })
})

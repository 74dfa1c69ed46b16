import { createHash } from 'node:crypto'
import type pg from 'pg'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { Auditrum, type ChainVerification, IntegrityError } from '../../src/index.js'
import { readEntry } from '../../src/trust/entry-form.js'
import { type AuditedDatabase, auditedDatabase } from '../support.js'

/** What somebody may write where something else should be. */
const odd = [
  ...['"x"', '""', '1.5', '2.0', '1e2', '1e30', '1e400000', '-1', '0', '1', '2', '5', '50'],
  ...['2147483648', '1000000000000000', '9007199254740993', '9223372036854775808'],
  ...['null', 'true', 'false', '[]', '[5]', '[[1]]', '[null]', '{}', '{"a": {"b": 1}}'],
  ...['"1"', '"0"', '"-5"', '"007"', '"9223372036854775808"', '"99999999999999999999999"'],
  ...['"a:b:c"', '"1:1:"', '"2:1:"', '"1:5:2,2"', '"1:5:3,2"', '"1:5:2,3"', '"900000:900000:"'],
  ...['"AAAA"', '"%%%"', '"/w=="', '"/x=="', `"${'a'.repeat(64)}"`, `"${'A'.repeat(64)}"`],
  ...['"\\u0001"', '"\\u0000"', '"\\ud83d"', '"\\ud83d\\ude00"', '"\u{1f600}"'],
]

interface StoredEntry {
  readonly id: number
  readonly entry: string
}

let database: AuditedDatabase
let entries: readonly StoredEntry[]

/** A chain with entries of all kinds: of another cluster once, purged, and erased from. */
beforeAll(async () => {
  database = await auditedDatabase()
  const audit = new Auditrum(database)
  await database.tracked('orders', 'create table orders (id int primary key, total int)')
  await database.tracked('notes', 'create table notes (id int primary key)', {
    retention: '10 years',
  })
  await audit.enableSealing()
  await database.query(`
    update auditrum.audit_seal set entry = jsonb_set(entry::jsonb, '{system}', '"1"')::json;
    insert into orders select n, n from generate_series(1, 9) n;
    insert into notes select generate_series(1, 5);
    update auditrum.audit_event set changed_at = changed_at - interval '3 years'`)
  await audit.seal({ rebase: true, maxEvents: 6 })
  await database.query('insert into orders select n, n from generate_series(11, 16) n')
  await audit.seal()
  await audit.purge({ olderThan: '1 year' })
  await audit.erase({ table: 'orders', id: 12 }, { reason: 'asked to' })
  await database.query('insert into orders values (21, 21)')
  // of nothing that is sealed
  await audit.erase({ table: 'orders', id: 21 }, { reason: 'asked to' })
  const { rows } = await database.query<{ id: number; entry: string }>(
    'select id::int, entry::text from auditrum.audit_seal order by id',
  )
  entries = rows
})

/** An entry with one member made something else, for each member of it and each odd value. */
async function oddEntries({ entry }: StoredEntry): Promise<readonly (readonly string[])[]> {
  const places = paths(JSON.parse(entry))
  const { rows } = await database.query<{ other: string; without: string }>(
    `select jsonb_set($1::jsonb, path, '"@"')::text as other, ($1::jsonb #- path)::text as without
     from json_array_elements($2::json) as one
     cross join lateral (select array(select json_array_elements_text(one)) as path) as own`,
    [entry, JSON.stringify(places)],
  )
  return rows.map(({ other, without }) => [
    ...odd.map((value) => other.replace('"@"', () => value)),
    without,
  ])
}

function paths(value: unknown, path: readonly string[] = []): readonly (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [path]
  const inner = Object.entries(value).flatMap(([name, part]) => paths(part, [...path, name]))
  return path.length === 0 ? inner : [path, ...inner]
}

/** What is no member of one place alone. */
function oddTexts(entry: string): readonly string[] {
  const all = [
    '5',
    '"x"',
    'null',
    '[]',
    '{}',
    '[{}]',
    'true',
    ` ${entry}`,
    entry.replace(': ', ':'),
  ]
  const twice = ['{"v": 1, ', '{"kind": "block", '].map((first) => entry.replace('{', first))
  return [...all, ...twice, entry.replace(/\}$/, ', "one_more": 1}')]
}

test('an entry has the form of its kind for the database and for this process, or for neither', async () => {
  const kinds = new Set<unknown>()
  const { rows: anew } = await database.query<StoredEntry>(
    `select id::int, (entry::jsonb || '{"reason": "lost", "former": {"log": "x", "entries": 7, "last": null}}')::text as entry
     from auditrum.audit_seal where id = 0`,
  )
  for (const stored of [...entries, ...anew]) {
    kinds.add(JSON.parse(stored.entry).kind)
    const texts = [stored.entry, ...(await oddEntries(stored)).flat(), ...oddTexts(stored.entry)]
    const { rows } = await database.query<{ said: boolean }>(
      'select auditrum.read_entry($1, text::json) is not null as said from unnest($2::text[]) with ordinality as own (text, place) order by place',
      [stored.id, texts],
    )
    const inDatabase = texts.filter((_, place) => rows[place]?.said)
    expect(inDatabase).toEqual(texts.filter((text) => readEntry(stored.id, text) !== undefined))
    expect(inDatabase).toContain(stored.entry)
    expect(inDatabase.length).toBeLessThan(texts.length / 3)
  }
  expect([...kinds].sort()).toEqual(['block', 'rebase', 'redact', 'retire', 'start'])
})

/** In a transaction that is rolled back, on a log that nothing keeps in order. */
async function tampered(act: (client: pg.Client) => Promise<unknown>): Promise<pg.Client> {
  const client = await database.client()
  onTestFinished(async () => void (await client.query('rollback')))
  await client.query('begin')
  await act(client)
  return client
}

/** Each way of verifying answers, and with the same kinds of problems. */
async function answerOf(client: pg.Client): Promise<ChainVerification> {
  const audit = new Auditrum(client)
  const answer = await audit.verifyChain()
  const { rows } = await client.query('select auditrum.verify_chain() as said')
  const kindsOf = ({ ok, verified, retired, problems }: ChainVerification) => {
    expect(ok).toBe(problems.length === 0)
    return { verified, retired, kinds: [...new Set(problems.map(({ kind }) => kind))].sort() }
  }
  expect(kindsOf(await audit.verifyChain({ independent: true }))).toEqual(kindsOf(answer))
  expect(kindsOf(rows[0].said)).toEqual(kindsOf(answer))
  return answer
}

/** The chain with one entry changed, and those behind it linked to it, as its owner can do. */
async function relink(client: pg.Client, id: number, text: string): Promise<void> {
  const texts = entries.map(({ entry }) => entry)
  texts[id] = text
  const hash = (entry: string | undefined) =>
    createHash('sha256').update(Buffer.of(0)).update(String(entry)).digest('hex')
  for (let place = id + 1; place < texts.length; place += 1) {
    const before = [entries[place - 1]?.entry, texts[place - 1]].map(hash) as [string, string]
    texts[place] = String(texts[place]).replace(...before)
  }
  await client.query(
    'update auditrum.audit_seal as own set entry = text::json from unnest($1::text[]) with ordinality as other (text, place) where own.id = place - 1',
    [texts],
  )
}

test('whatever an entry says, verifying answers', async () => {
  expect(await answerOf(await tampered(async () => {}))).toMatchObject({ ok: true, pending: 1 })
  let number = 0
  const ofEachKind = new Map(entries.map((stored) => [JSON.parse(stored.entry).kind, stored]))
  for (const stored of ofEachKind.values()) {
    for (const texts of await oddEntries(stored)) {
      // every other member is made one of them here, and each all of them above
      number += 7
      if (number % 2 === 0) continue
      const text = texts[number % texts.length] as string
      if (/u0000|"\\ud83d"/.test(text)) continue
      const client = await tampered((own) => relink(own, stored.id, text))
      const { ok, problems } = await answerOf(client)
      if (readEntry(stored.id, text) === undefined) {
        expect(ok).toBe(false)
        expect(problems).toContainEqual(
          expect.objectContaining({ kind: 'rewritten', block: String(stored.id) }),
        )
      }
      await client.query('rollback')
    }
  }
})

test.each(['5', 'null', '{"kind": "block", "snapshot": 5}', '{"kind": "redact", "redacted": 1}'])(
  'nothing goes on from a chain that ends in %s',
  async (text) => {
    const client = await tampered((own) => relink(own, entries.length - 1, text))
    await client.query(
      `update auditrum.audit_event set changed_at = changed_at - interval '3 years'`,
    )
    const audit = new Auditrum(client)
    const calls = [
      () => audit.seal(),
      () => audit.seal({ rebase: true }),
      () => audit.status(),
      () => audit.erase({ table: 'orders', id: 13 }, { reason: 'asked to' }),
      () => audit.purge({ olderThan: '1 year' }),
    ]
    for (const call of calls) {
      await client.query('savepoint before')
      const error = await call().catch((reason: unknown) => reason)
      expect(error).toBeInstanceOf(IntegrityError)
      expect(String(error)).toMatch(/verify-chain/)
      await client.query('rollback to before')
    }
  },
)

/** Nothing of the database minds then. */
const unguarded = `
  drop index auditrum.audit_leaf_ids;
  alter table auditrum.audit_leaf drop constraint audit_leaf_pkey;
  alter table auditrum.audit_leaf alter block drop not null, alter first_id drop not null, alter ids drop not null, alter hashes drop not null;
  alter table auditrum.audit_event drop constraint audit_event_pkey`
const last = '(select max(block) from auditrum.audit_leaf)'

test.each([
  ...[
    ...['hashes = null', `hashes = ''`, 'hashes = substr(hashes, 1, 31)'],
    ...[`hashes = hashes || 'x'`, `ids = null`, `ids = '{}'`, `ids = '{NULL}'`],
    ...['ids = null::bigint || ids', 'ids = array[ids]', 'ids = ids[2:]', 'ids[1] = -5'],
    `ids = ('[0:' || cardinality(ids) - 1 || ']=' || ids::text)::bigint[]`,
    'ids = ids || 9223372036854775807, last_id = 9223372036854775807',
    ...['first_id = last_id + 1', 'first_id = null', 'last_id = 9223372036854775807'],
    ...['block = null', 'block = -5', 'block = 1000000000000000', 'block = 1'],
  ].map((set) => `update auditrum.audit_leaf set ${set} where block = ${last}`),
  `insert into auditrum.audit_leaf select * from auditrum.audit_leaf where block = ${last}`,
  `insert into auditrum.audit_seal values (1000000000000000, '5')`,
  `insert into auditrum.audit_seal values (9223372036854775807, '{"kind": "block"}')`,
  ...['9223372036854775807', '-9223372036854775808', '-1000000000000'].map(
    (
      id,
    ) => `insert into auditrum.audit_event select (jsonb_populate_record(event, '{"id": ${id}}')).*
      from auditrum.audit_event as event where id = (select max(ids[1]) from auditrum.audit_leaf)`,
  ),
])('verifying answers after %s', async (sql) => {
  const client = await tampered(async (own) => {
    await own.query(unguarded)
    await own.query(sql)
  })
  expect((await answerOf(client)).ok).toBe(false)
})

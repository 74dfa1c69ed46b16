import { type Queryable, rowsOf } from '../queryable.js'
import { render } from '../sql/template.js'
import type { Amendment, Amendments } from './amendments.js'
import type { Chain } from './chain-links.js'
import { parseEntry } from './entry.js'
import { HASH_BYTES, MerkleTree } from './merkle.js'
import { type StoredLeaf, storedLeaves } from './stored-leaves.js'
import type { EventsPart, Finding, Verifier } from './verify-parts.js'

/**
 * By what is stored alone: every hash is computed here, by no function of the log's schema.
 *
 * @param read reads the chain anew: what is verified one statement after the other may have been purged or
 *   erased in between.
 */
export function verifierInProcess(
  queryable: Queryable,
  schema: string,
  chain: Chain,
  read: () => Promise<Chain>,
): Verifier {
  let known = chain
  const certainly = async <T>(
    verify: () => Promise<T>,
    isFine: (found: T) => boolean,
  ): Promise<T> => {
    const found = await verify()
    if (isFine(found)) return found
    const before = known.entries
    known = await read()
    return known.entries === before ? found : verify()
  }
  return {
    blocks: (first, last) =>
      certainly(
        () => verifyBlocks(queryable, schema, known, first, last),
        (found) => found.length === 0,
      ),
    events: (after, until) =>
      certainly(
        () => verifyEvents(queryable, schema, known, after, until),
        ({ problems }) => problems.length === 0,
      ),
  }
}

async function verifyBlocks(
  queryable: Queryable,
  schema: string,
  { amendments }: Chain,
  first: bigint,
  last: bigint,
): Promise<readonly Finding[]> {
  const range = [String(first), String(last)]
  const lists = new Map<string, Leaves>()
  for (const leaves of await leavesOf(queryable, schema, 'read/leaves_of_blocks', range))
    lists.set(String(leaves.block), leaves)
  const entries = await rowsOf<{ id: string; entry: string }>(
    queryable,
    render('read/seal_entries', schema),
    [String(first), '1000'],
  )
  const problems: Finding[] = []
  for (const { id, entry: text } of entries) {
    const entry = parseEntry(text)
    if (BigInt(id) > last || entry?.kind !== 'block') continue
    const events = Number(entry.events)
    const leaves = lists.get(id)
    lists.delete(id)
    if (leaves === undefined) {
      if (!isRetired(amendments.of(Number(id)), events)) problems.push(ofBlock('missing', id))
    } else if (
      !isList(leaves) ||
      leaves.ends[1] !== entry.last ||
      leaves.ids.length !== events ||
      rootOf(leaves) !== entry.root
    ) {
      problems.push(ofBlock('rewritten', id))
    }
  }
  for (const block of lists.keys()) problems.push(ofBlock('added', block))
  return problems
}

async function verifyEvents(
  queryable: Queryable,
  schema: string,
  { amendments, until: sealed }: Chain,
  after: bigint,
  until: bigint,
): Promise<EventsPart> {
  const range = [String(after), String(until)]
  // first the leaves: an event that comes meanwhile is pending
  const sealedPlaces: SealedPlace[] = []
  const idOf = new Map<string, string>()
  for (const { block, ids, hashes } of await leavesOf(
    queryable,
    schema,
    'read/leaves_of_events',
    range,
  )) {
    const amendmentOf = amendments.of(block)
    for (const [place, id] of ids.entries()) {
      // what is no id makes the block no list
      if (typeof id !== 'string' || BigInt(id) <= after || BigInt(id) > until) continue
      const leaf = hashes.toString('base64', HASH_BYTES * place, HASH_BYTES * (place + 1))
      sealedPlaces.push({ id, block: String(block), leaf, amendment: amendmentOf(place) })
      idOf.set(leaf, id)
    }
  }
  const stored = new Map<string, StoredLeaf[]>()
  for (const event of await storedLeaves(queryable, schema, String(after), String(until)))
    stored.set(event.id, [...(stored.get(event.id) ?? []), event])

  const part = { verified: 0, redacted: 0, pending: 0 }
  const problems: Finding[] = []
  const judge = (event: StoredLeaf | undefined, own: SealedPlace | undefined) => {
    const verdict = verdictOf(event, own, sealed)
    if (verdict === 'retired' && event === undefined) return
    if (verdict === 'verified' || verdict === 'pending') {
      part[verdict] += 1
      if (verdict === 'verified' && event?.isRedacted) part.redacted += 1
      return
    }
    const id = event?.id ?? own?.id ?? null
    const isElsewhere = event !== undefined && (idOf.get(event.leaf) ?? id) !== id
    problems.push({
      kind: isElsewhere && (verdict === 'edited' || verdict === 'added') ? 'moved' : verdict,
      event: id,
      block: own?.block ?? null,
      entry: own?.amendment?.entry ?? null,
    })
  }
  for (const own of sealedPlaces)
    for (const event of stored.get(own.id) ?? [undefined]) judge(event, own)
  const listed = new Set(sealedPlaces.map(({ id }) => id))
  for (const [id, events] of stored)
    if (!listed.has(id)) for (const event of events) judge(event, undefined)
  problems.sort((one, other) => (BigInt(one.event ?? 0) < BigInt(other.event ?? 0) ? -1 : 1))
  return { ...part, problems }
}

/** An event as its block has it. */
interface SealedPlace {
  readonly id: string
  readonly block: string
  readonly leaf: string
  readonly amendment: Amendment | undefined
}

function verdictOf(
  event: StoredLeaf | undefined,
  own: SealedPlace | undefined,
  sealed: Chain['until'],
): 'verified' | 'pending' | Finding['kind'] {
  if (own === undefined) {
    return event !== undefined && mayBePending(event, sealed) ? 'pending' : 'added'
  }
  const { amendment, leaf } = own
  if (amendment?.leaf === null) return 'retired'
  if (event === undefined) return 'missing'
  const expected = amendment ? Buffer.from(amendment.leaf, 'hex').toString('base64') : leaf
  if (event.leaf === expected) return 'verified'
  return event.isRedacted && amendment === undefined ? 'redacted' : 'edited'
}

/** Of a transaction that was running when the last round was sealed: `was_running` in SQL. */
function mayBePending({ id, txid }: StoredLeaf, sealed: Chain['until']): boolean {
  return (
    BigInt(id) > sealed.sequence ||
    sealed.running.has(txid) ||
    (BigInt(txid) >= sealed.end && BigInt(id) > sealed.before)
  )
}

/** The leaves of a block. */
interface Leaves {
  readonly block: number
  readonly ids: readonly string[]
  readonly hashes: Buffer
  /** As the block says that they are, the smallest and the greatest id. */
  readonly ends: readonly [string | undefined, string | undefined]
}

interface StoredLeaves {
  readonly block: string
  readonly ids: string
  readonly hashes: string
  readonly first_id?: string
  readonly last_id?: string
}

async function leavesOf(
  queryable: Queryable,
  schema: string,
  name: 'read/leaves_of_blocks' | 'read/leaves_of_events',
  range: string[],
): Promise<readonly Leaves[]> {
  const rows = await rowsOf<StoredLeaves>(queryable, render(name, schema), range)
  return rows.map(({ block, ids, hashes, first_id, last_id }) => ({
    block: Number(block),
    ids: JSON.parse(ids),
    hashes: Buffer.from(hashes, 'base64'),
    ends: [first_id, last_id],
  }))
}

/** As `is_list` in SQL. */
function isList({ ids, ends, hashes }: Leaves): boolean {
  return (
    ids.every(
      (id, place) =>
        typeof id === 'string' && (place === 0 || BigInt(id) > BigInt(ids[place - 1] ?? id)),
    ) &&
    BigInt(ids[0] ?? 0) > 0n &&
    ids[0] === ends[0] &&
    ids.at(-1) === ends[1] &&
    hashes.length === HASH_BYTES * ids.length
  )
}

/** Whether nothing is left of a block. */
function isRetired(amendmentOf: ReturnType<Amendments['of']>, events: number): boolean {
  for (let place = 0; place < events; place += 1)
    if (amendmentOf(place)?.leaf !== null) return false
  return true
}

function rootOf({ hashes }: Leaves): string {
  const tree = new MerkleTree()
  for (let at = 0; at < hashes.length; at += HASH_BYTES)
    tree.push(hashes.subarray(at, at + HASH_BYTES))
  return tree.root().toString('hex')
}

function ofBlock(kind: Finding['kind'], block: string): Finding {
  return { kind, event: null, block, entry: null }
}

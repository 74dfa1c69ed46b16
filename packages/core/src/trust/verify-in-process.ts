import { sqlStateOf } from '../errors.js'
import { type Queryable, rowsOf } from '../queryable.js'
import { quoteIdentifier } from '../sql/quote.js'
import { render } from '../sql/template.js'
import { verifyRecords } from './act-records.js'
import type { Amendment } from './amendments.js'
import { isList, type Leaves, leavesOf, rootOf } from './block-leaves.js'
import type { Chain } from './chain-links.js'
import { type BlockEntry, readEntry } from './entry-form.js'
import { RoundsBefore } from './rounds-before.js'
import { type StoredLeaf, storedLeaves } from './stored-leaves.js'
import { type ThisCluster, thisCluster } from './this-cluster.js'
import type { ChainProblem } from './verify-chain.js'
import { type EventsPart, type Finding, ofLog, type Verifier } from './verify-parts.js'

/** How often something is looked at anew while the chain grows. */
const TRIES = 3

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
  const rounds = new RoundsBefore(queryable, schema)
  const certainly = async <T>(
    verify: (chain: Chain) => Promise<T>,
    isFine: (found: T) => boolean,
  ): Promise<T> => {
    for (let left = TRIES; ; left -= 1) {
      const before = known
      const found = await verify(before)
      if (left === 0 || isFine(found)) return found
      // another part may have read it meanwhile
      if (known === before) known = await read()
      if (known.entries === before.entries) return found
    }
  }
  return {
    async tables() {
      const rows = await rowsOf<{ id: string }>(queryable, render('read/known_tables', schema), [])
      const ids = new Set(rows.map(({ id }) => id))
      return [...known.tables]
        .filter(([id]) => !ids.has(id))
        .map(([id, name]) =>
          ofLog(
            `The table ${name} (${id}) has sealed events, and is in audit_table no more: the log shows nothing of it.`,
          ),
        )
    },
    misplaced: () => misplacedRows(queryable, schema),
    records: () => verifyRecords(queryable, schema, known.acts, async () => (await read()).acts),
    blocks: (first, last) =>
      certainly(
        (chain) => verifyBlocks(queryable, schema, chain, first, last),
        (found) => found.length === 0,
      ),
    events: (after, until) =>
      certainly(
        async (chain) => {
          const found = await eventsIn(queryable, schema, chain, after, until)
          const part = await judged(found, chain, rounds)
          if (part.problems.length === 0) return part
          // what was erased or purged before they were read is told by now, and what was since is not in them
          const doubted = new Set(part.problems.map(({ event }) => event))
          const rest = await judged(found, chain, rounds, (id) => !doubted.has(id))
          const now = await read()
          if (now.entries === chain.entries) return part
          if (known === chain) known = now
          const again = await judged(found, now, rounds, (id) => doubted.has(id))
          return {
            verified: rest.verified + again.verified,
            redacted: rest.redacted + again.redacted,
            pending: rest.pending + again.pending,
            problems: again.problems,
          }
        },
        ({ problems }) => problems.length === 0,
      ),
  }
}

async function misplacedRows(
  queryable: Queryable,
  schema: string,
): Promise<readonly ChainProblem[]> {
  const problems: ChainProblem[] = []
  const places = await rowsOf<{ name: string; condition: string }>(
    queryable,
    render('read/places', schema),
    [],
  )
  for (const { name, condition } of places) {
    const relation = `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`
    const text = `SELECT EXISTS (SELECT FROM ONLY ${relation} WHERE ${condition})::pg_catalog.text AS found`
    const rows = await unlessDropped(() => rowsOf<{ found: string }>(queryable, text, []))
    if (rows?.[0]?.found === 'true')
      problems.push(
        ofLog(`${name} holds a row that cannot be in it: it has no id, or is of other partitions.`),
      )
  }
  return problems
}

/** Undefined where retention has dropped the partition meanwhile. */
async function unlessDropped<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask()
  } catch (error) {
    if (sqlStateOf(error) === '42P01') return undefined
    throw error
  }
}

/** So many leaves of blocks are in memory at a time, or one block. */
const LEAVES = 5_000

async function verifyBlocks(
  queryable: Queryable,
  schema: string,
  { amendments }: Chain,
  first: bigint,
  last: bigint,
): Promise<readonly Finding[]> {
  const entries = await rowsOf<{ id: string; entry: string | null }>(
    queryable,
    render('read/seal_entries', schema),
    [String(first), '1000'],
  )
  const problems: Finding[] = []
  let from = first
  let size = 0
  let blocks: BlockEntry[] = []
  const verifyUpTo = async (end: bigint) => {
    const lists = await leavesOf(queryable, schema, [String(from), String(end)])
    problems.push(...problemsOf(blocks, lists, amendments))
    from = end + 1n
    size = 0
    blocks = []
  }
  for (const { id, entry: text } of entries) {
    const entry = readEntry(Number(id), text ?? '')
    if (BigInt(id) > last || entry?.kind !== 'block') continue
    if (size > 0 && size + entry.events > LEAVES && BigInt(id) > from)
      await verifyUpTo(BigInt(id) - 1n)
    size += entry.events
    blocks.push(entry)
  }
  await verifyUpTo(last)
  return problems
}

function problemsOf(
  blocks: readonly BlockEntry[],
  lists: readonly Leaves[],
  amendments: Chain['amendments'],
): readonly Finding[] {
  const problems: Finding[] = []
  const listOf = new Map<string, Leaves>()
  const doubled = new Set<string>()
  for (const leaves of lists) {
    if (listOf.has(leaves.block)) doubled.add(leaves.block)
    listOf.set(leaves.block, leaves)
  }
  const seen = new Set<string>()
  for (const { id: place, events, last, root } of blocks) {
    const id = String(place)
    const leaves = listOf.get(id)
    if (seen.has(id)) {
      problems.push(ofBlock('rewritten', id))
      continue
    }
    seen.add(id)
    if (leaves?.hashes == null) {
      if (!amendments.isGone(place, events)) problems.push(ofBlock('missing', id))
    } else if (
      doubled.has(id) ||
      leaves.ids === null ||
      !isList(leaves.ids, leaves.ends, leaves.hashes) ||
      leaves.ends[1] !== last ||
      leaves.ids.length !== events ||
      rootOf(leaves.hashes) !== root
    ) {
      problems.push(ofBlock('rewritten', id))
    }
  }
  for (const block of listOf.keys()) if (!seen.has(block)) problems.push(ofBlock('added', block))
  return problems
}

/** Events as they were read at one time: where they are sealed, and what they are. */
interface FoundEvents {
  readonly leaves: readonly LeafOfEvent[]
  /** By id: of one that somebody forged there may be several. */
  readonly stored: ReadonlyMap<string, readonly StoredLeaf[]>
  /** Where what no block holds may be of a transaction that was running. */
  readonly cluster: ThisCluster | undefined
}

async function eventsIn(
  queryable: Queryable,
  schema: string,
  chain: Chain,
  after: bigint,
  until: bigint,
): Promise<FoundEvents> {
  const range = [String(after), String(until)] as const
  // first the leaves: an event that comes meanwhile is pending
  const text = render('read/leaves_of_events', schema)
  const leaves = await rowsOf<LeafOfEvent>(queryable, text, [...range])
  const stored = new Map<string, StoredLeaf[]>()
  const read = async (relation?: string) => {
    for (const event of await storedLeaves(queryable, schema, ...range, relation))
      stored.set(event.id, [...(stored.get(event.id) ?? []), event])
  }
  await read()
  if (
    placesOf(leaves, chain).some(({ id, amendment }) => amendment?.leaf !== null && !stored.has(id))
  ) {
    // what retention is taking off is not gone yet
    const leaving = render('read/leaving_partitions', schema)
    for (const { name } of await rowsOf<{ name: string }>(queryable, leaving, []))
      await unlessDropped(() => read(name))
  }
  const listed = new Set(leaves.map(({ id }) => id))
  const isWhole = [...stored.keys()].every((id) => listed.has(id))
  return {
    leaves,
    stored,
    cluster: isWhole ? undefined : await thisCluster(queryable, schema, chain),
  }
}

/** As their blocks have them, and what became of them. */
function placesOf(leaves: readonly LeafOfEvent[], { amendments }: Chain): readonly SealedPlace[] {
  let last: string | undefined
  let amendmentOf = amendments.of(-1)
  return leaves.map(({ block, place, id, leaf }) => {
    if (block !== last) amendmentOf = amendments.of(Number(block))
    last = block
    return { id, block, leaf: leaf ?? '', amendment: amendmentOf(Number(place)) }
  })
}

/** What a chain says of events: of all, or of some by their ids. */
async function judged(
  { leaves, stored, cluster }: FoundEvents,
  chain: Chain,
  rounds: RoundsBefore,
  isAsked: (id: string) => boolean = () => true,
): Promise<EventsPart> {
  const idOf = new Map(leaves.map(({ leaf, id }) => [leaf, id]))
  const listed = new Set(leaves.map(({ id }) => id))
  const part = { verified: 0, redacted: 0, pending: 0 }
  const problems: Finding[] = []
  const count = (verdict: Verdict, event: StoredLeaf | undefined, own?: SealedPlace) => {
    if (verdict === 'retired' && event === undefined) return
    if (verdict === 'verified' || verdict === 'pending') {
      part[verdict] += 1
      if (verdict === 'verified' && event?.redacted != null) part.redacted += 1
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
  for (const own of placesOf(leaves, chain)) {
    if (!isAsked(own.id)) continue
    const events = stored.get(own.id) ?? [undefined]
    const verdicts = events.map((event) => verdictOf(event, own))
    let isThere = false
    for (const [place, event] of events.entries()) {
      const verdict = verdicts[place] as Verdict
      // beside the one that was sealed, as it or another; or of a transaction that was over, and sealed, before
      const isForged =
        verdict === 'verified'
          ? isThere || (await rounds.isOver(Number(own.block), event?.txid ?? null))
          : verdict === 'edited' && verdicts.includes('verified')
      count(isForged ? 'added' : verdict, event, own)
      isThere ||= verdict === 'verified'
    }
  }
  const unlisted = [...stored].filter(([id]) => !listed.has(id) && isAsked(id))
  for (const event of unlisted.flatMap(([, events]) => events))
    count(cluster && mayBePending(event, chain.until, cluster) ? 'pending' : 'added', event)
  problems.sort((one, other) => (BigInt(one.event ?? 0) < BigInt(other.event ?? 0) ? -1 : 1))
  return { ...part, problems }
}

/** As the database has it. */
interface LeafOfEvent {
  readonly block: string
  readonly place: string
  readonly id: string
  readonly leaf: string | null
}

/** An event as its block has it. */
interface SealedPlace {
  readonly id: string
  readonly block: string
  readonly leaf: string
  readonly amendment: Amendment | undefined
}

type Verdict = 'verified' | 'pending' | Finding['kind']

function verdictOf(event: StoredLeaf | undefined, { id, amendment, leaf }: SealedPlace): Verdict {
  if (amendment?.leaf === null) return 'retired'
  if (event === undefined) return 'missing'
  if (amendment && !(amendment.event === id && saysToHaveLost(event, amendment))) return 'edited'
  const expected = amendment ? Buffer.from(amendment.leaf, 'hex').toString('base64') : leaf
  if (event.leaf === expected) return 'verified'
  return event.redacted !== null && amendment === undefined ? 'redacted' : 'edited'
}

/** What was erased says so itself. */
function saysToHaveLost({ redacted }: StoredLeaf, { columns = [] }: Amendment): boolean {
  if (redacted === null) return false
  const lost: readonly unknown[] = JSON.parse(redacted)
  return columns.every((name) => lost.includes(name))
}

/**
 * Of a transaction that was running when the last round was sealed, or that has begun since: `was_running`
 * in SQL.
 */
function mayBePending(
  { id, txid }: StoredLeaf,
  sealed: Chain['until'],
  { hasMoved, end, own }: ThisCluster,
): boolean {
  if (txid === null) return false
  const wasRunning =
    sealed.running.has(txid) || (BigInt(txid) >= sealed.end && BigInt(id) > sealed.before)
  return hasMoved
    ? wasRunning || BigInt(id) > sealed.sequence
    : wasRunning && (BigInt(txid) < end || txid === own)
}

function ofBlock(kind: Finding['kind'], block: string): Finding {
  return { kind, event: null, block, entry: null }
}

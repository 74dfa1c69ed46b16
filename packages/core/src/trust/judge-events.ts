import { type Queryable, rowsOf } from '../queryable.js'
import { render } from '../sql/template.js'
import type { Amendment } from './amendments.js'
import type { Chain } from './chain-links.js'
import type { RoundsBefore } from './rounds-before.js'
import { type StoredLeaf, storedLeaves } from './stored-leaves.js'
import { type ThisCluster, thisCluster } from './this-cluster.js'
import { unlessDropped } from './unless-dropped.js'
import type { EventsPart, Finding } from './verify-parts.js'

/** Events as they were read at one time: where they are sealed, and what they are. */
interface FoundEvents {
  readonly leaves: readonly LeafOfEvent[]
  /** By id: of one that somebody forged there may be several. */
  readonly stored: ReadonlyMap<string, readonly StoredLeaf[]>
  /** Where what no block holds may be of a transaction that was running. */
  readonly cluster: ThisCluster | undefined
}

/** Reads events with an id behind `after`, up to `until`. */
export async function eventsIn(
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
export async function judged(
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

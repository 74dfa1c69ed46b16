import type { Queryable } from '../queryable.js'
import { Acts } from './act-records.js'
import { Amendments } from './amendments.js'
import { storedEntries, unlinked } from './chain.js'
import type { DigestCheck } from './check-digests.js'
import { isLog, parseEntry } from './entry.js'
import { type BaseEntry, type BlockEntry, type Entry, readEntry } from './entry-form.js'
import { leafHash, MerkleTree } from './merkle.js'
import { visibleIn } from './rounds-before.js'
import type { ChainProblem } from './verify-chain.js'

/** How far a log is sealed: what `sealed_until` tells in SQL. */
interface SealedUntil {
  /** Counts the clusters that the log has lived in; negative where no round has ended. */
  readonly incarnation: number
  readonly sequence: bigint
  /** Transactions that were running then, by id, */
  readonly running: ReadonlySet<string>
  /** and from this id on, any: */
  readonly end: bigint
  /** their events are behind this id of an event. */
  readonly before: bigint
}

/** The last entry that says how far it came, whether or not its round has ended. */
export type Round = BaseEntry | BlockEntry

/** What the entries of a chain say, whether or not they follow each other. */
export interface Chain {
  readonly entries: number
  readonly amendments: Amendments
  readonly acts: Acts
  readonly until: SealedUntil
  readonly round: Round | undefined
  /** The last entry that names the cluster that it was written in. */
  readonly base: BaseEntry | undefined
  /** Whether PostgreSQL can read all entries as JSON, as far as can be told from here. */
  readonly isReadable: boolean
  /** The greatest id of events that blocks say they hold, */
  readonly lastEvent: bigint
  /** and the tables that these are of: their names, by their ids. */
  readonly tables: ReadonlyMap<string, string>
}

/** Reads the entries once, in their order: their links, the digests that they lead to, and what they amend. */
export async function readChain(
  queryable: Queryable,
  schema: string,
  digests: DigestCheck,
  found: (problem: ChainProblem) => void,
): Promise<Chain> {
  const tree = new MerkleTree()
  const amendments = new Amendments()
  const acts = new Acts()
  let until: SealedUntil = {
    incarnation: -1,
    sequence: 0n,
    running: new Set(),
    end: 1n,
    before: 0n,
  }
  let round: Round | undefined
  let base: BaseEntry | undefined
  let isReadable = true
  let lastEvent = 0n
  const tables = new Map<string, string>()
  let log: string | null = null
  let last = -1
  let previous: string | null = null
  for await (const { id, text } of storedEntries(queryable, schema)) {
    const entry = readEntry(id, text)
    let message = brokenLink(id, last, entry, previous)
    if (last === -1) {
      const named = parseEntry(text)?.log
      if (isLog(named)) log = named
    }
    if (entry === undefined) {
      isReadable &&= isReadableJson(text)
    } else if (entry.kind === 'retire' || entry.kind === 'redact') {
      acts.read(entry)
      if (!amendments.read(entry))
        message ??= `Entry ${id} of the chain says of blocks what they are not: its numbers do not fit theirs.`
    } else {
      if (round && fallsBehind(entry, round, base))
        message ??= `Entry ${id} of the chain says that the log is sealed less far than the entries before it do.`
      round = entry
      if (entry.kind === 'block') {
        amendments.read(entry)
        for (const [table, name] of Object.entries(entry.tables)) tables.set(table, name)
        if (BigInt(entry.last ?? 0) > lastEvent) lastEvent = BigInt(entry.last ?? 0)
      } else base = entry
      until = sealedUntil(entry, until) ?? until
    }
    if (message !== undefined) {
      found({ kind: 'rewritten', event: null, block: String(id), message })
    }
    const leaf = leafHash(text)
    tree.push(leaf)
    digests.passed(tree)
    previous = leaf.toString('hex')
    last = id
  }
  for (const problem of digests.problems({ log, last })) found(problem)
  return { entries: tree.size, amendments, acts, until, round, base, isReadable, lastEvent, tables }
}

function brokenLink(
  id: number,
  last: number,
  entry: Entry | undefined,
  previous: string | null,
): string | undefined {
  if (id !== last + 1)
    return last + 1 === id - 1
      ? `Of the chain entry ${last + 1} is gone.`
      : `Of the chain the entries from ${last + 1} to ${id - 1} are gone.`
  if (entry === undefined || (entry.kind === 'start') !== (id === 0))
    return `Entry ${id} of the chain is not what an entry says, and counts for nothing.`
  if (entry.previous !== previous) return `In the chain ${unlinked(id)}.`
  return undefined
}

/** Half of a surrogate pair is no character to PostgreSQL, nor is a zero one. */
function isReadableJson(text: string): boolean {
  const single = text.replace(/\\ud[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2}/gi, '')
  return !/\\u(0000|d[89a-f])/i.test(single)
}

/** No round of sealing came less far than the one before it. */
function fallsBehind(entry: Round, last: Round, base: BaseEntry | undefined): boolean {
  return (
    BigInt(entry.sequence) < BigInt(last.sequence) ||
    (entry.incarnation === last.incarnation &&
      (endOf(entry) < endOf(last) || reopens(entry, last))) ||
    (entry.kind === 'rebase'
      ? entry.incarnation <= last.incarnation || hasNotMoved(entry, last, base)
      : entry.incarnation !== last.incarnation)
  )
}

/** It says that the log has moved, and is where it was: transaction ids go on. */
function hasNotMoved(rebase: BaseEntry, last: Round, base: BaseEntry | undefined): boolean {
  return (
    rebase.system !== null &&
    rebase.system === base?.system &&
    BigInt(last.snapshot.split(':')[0] ?? 0) <= endOf(rebase)
  )
}

/** What was over then runs no more. */
function reopens(entry: Round, last: Round): boolean {
  const running = entry.snapshot.split(':')[2]
  return (
    running !== undefined && running !== '' && running.split(',').some(visibleIn(last.snapshot))
  )
}

function endOf({ snapshot }: Round): bigint {
  return BigInt(snapshot.split(':')[1] ?? 0)
}

/** Of an entry that ends a round of sealing. */
function sealedUntil(entry: Round, last: SealedUntil): SealedUntil | undefined {
  if (entry.kind !== 'start' && entry.more) return undefined
  const sequence = BigInt(entry.sequence)
  return {
    incarnation: entry.incarnation,
    sequence,
    running: new Set(entry.snapshot.split(':')[2]?.split(',')),
    end: endOf(entry),
    before: last.sequence < sequence ? last.sequence : last.before,
  }
}

import type { Queryable } from '../queryable.js'
import { Amendments } from './amendments.js'
import { storedEntries, unlinked } from './chain.js'
import type { DigestCheck } from './check-digests.js'
import { isLog, parseEntry } from './entry.js'
import { leafHash, MerkleTree } from './merkle.js'
import type { ChainProblem } from './verify-chain.js'

/** How far a log is sealed: what `sealed_until` tells in SQL. */
interface SealedUntil {
  readonly sequence: bigint
  /** Transactions that were running then, by id, */
  readonly running: ReadonlySet<string>
  /** and from this id on, any: */
  readonly end: bigint
  /** their events are behind this id of an event. */
  readonly before: bigint
}

/** What the entries of a chain say, whether or not they follow each other. */
export interface Chain {
  readonly entries: number
  readonly amendments: Amendments
  readonly until: SealedUntil
  /** The greatest id of events that blocks say they hold. */
  readonly lastEvent: bigint
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
  let until: SealedUntil = { sequence: 0n, running: new Set(), end: 0n, before: 0n }
  let lastEvent = 0n
  let log: string | null = null
  let last = -1
  let previous: string | null = null
  for await (const { id, text } of storedEntries(queryable, schema)) {
    const entry = parseEntry(text)
    const message = brokenLink(id, last, entry, previous)
    if (message !== undefined) {
      found({ kind: 'rewritten', event: null, block: String(id), message })
    }
    if (last === -1 && isLog(entry?.log)) log = entry.log
    if (entry !== undefined) {
      amendments.read(id, entry)
      if (
        typeof entry.last === 'string' &&
        /^\d{1,18}$/.test(entry.last) &&
        BigInt(entry.last) > lastEvent
      ) {
        lastEvent = BigInt(entry.last)
      }
      until = sealedUntil(entry, until) ?? until
    }
    const leaf = leafHash(text)
    tree.push(leaf)
    digests.passed(tree)
    previous = leaf.toString('hex')
    last = id
  }
  for (const problem of digests.problems({ log, last })) found(problem)
  return { entries: tree.size, amendments, until, lastEvent }
}

function brokenLink(
  id: number,
  last: number,
  entry: Readonly<Record<string, unknown>> | undefined,
  previous: string | null,
): string | undefined {
  if (id !== last + 1) return `Of the chain the entries from ${last + 1} to ${id - 1} are gone.`
  if (entry?.v !== 1 || entry.id !== id || (entry.kind === 'start') !== (id === 0))
    return `Entry ${id} of the chain is not what it says.`
  if (entry.previous !== previous) return `In the chain ${unlinked(id)}.`
  return undefined
}

/** Of an entry that ends a round of sealing. */
function sealedUntil(
  entry: Readonly<Record<string, unknown>>,
  last: SealedUntil,
): SealedUntil | undefined {
  if (typeof entry.snapshot !== 'string' || entry.more === true) return undefined
  const [, end = '0', running = ''] = entry.snapshot.split(':')
  const sequence = BigInt(String(entry.sequence))
  return {
    sequence,
    running: new Set(running.split(',')),
    end: BigInt(end),
    before: last.sequence < sequence ? last.sequence : last.before,
  }
}

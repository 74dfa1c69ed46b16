import { UsageError } from '../errors.js'
import { checkFlag, checkOptions, show } from '../options.js'
import { type Queryable, rowsOf } from '../queryable.js'
import { quoteIdentifier } from '../sql/quote.js'
import { Amendments } from './amendments.js'
import { notSealed, storedEntries } from './chain.js'
import { DigestCheck, type NamedDigest } from './check-digests.js'
import { isLog, parseEntry } from './entry.js'
import { leafHash, MerkleTree } from './merkle.js'
import { InDatabase, InProcess, type Part } from './verify-parts.js'

/** What `verifyChain` may be told. */
export interface VerifyChainOptions {
  /** Digests that were kept outside, as `digest` gave them: what nobody can rewrite together with the log. */
  readonly digest?: NamedDigest | readonly NamedDigest[] | undefined
  /** The public key of these digests, as PEM; several one behind the other. */
  readonly publicKey?: string | undefined
  /**
   * Recomputes every hash in this process from the stored rows, without any function of the log's schema.
   * Needs SELECT on the tables of the log.
   *
   * @defaultValue `false`
   */
  readonly independent?: boolean | undefined
  /**
   * How many connections verify at a time, of a pool.
   *
   * @defaultValue 1
   */
  readonly jobs?: number | undefined
  /** Goes on behind this event, as `onProgress` told it: events up to it are not looked at again. */
  readonly after?: string | undefined
  /**
   * How many problems are named; the rest are counted.
   *
   * @defaultValue 1000
   */
  readonly limit?: number | undefined
  /** Hears how far it has come: all events up to `after` are verified, of ids that go up to `last`. */
  readonly onProgress?: ((progress: { readonly after: string; readonly last: string }) => void) | undefined
}

/** Something that is not as it was sealed. */
export interface ChainProblem {
  /**
   * `edited`: an event, or its context, is not what was sealed. `missing`: it is gone. `added`: it is among
   * sealed ones, and was not sealed. `moved`: it is in another's place. `retired`: retention took it, and it
   * is there. `redacted`: values of it were taken out, and the chain does not say so. `truncated`: entries
   * at the end of the chain are gone. `rewritten`: the chain itself is not what it was.
   */
  readonly kind:
    | 'edited'
    | 'missing'
    | 'added'
    | 'moved'
    | 'retired'
    | 'redacted'
    | 'truncated'
    | 'rewritten'
  readonly event: string | null
  /** The place in the chain. */
  readonly block: string | null
  readonly message: string
}

/** What `verifyChain` found. */
export interface ChainVerification {
  readonly ok: boolean
  /** Events that are what was sealed. */
  readonly verified: number
  /** Of these, events out of which values were erased, as the chain says. */
  readonly redacted: number
  /** Events that retention took, as the chain says. */
  readonly retired: number
  /** Events that are not sealed yet. */
  readonly pending: number
  /** Of the chain. */
  readonly entries: number
  readonly problems: readonly ChainProblem[]
  /** How many further problems there are than are named. */
  readonly more: number
}

const options = ['digest', 'publicKey', 'independent', 'jobs', 'after', 'limit', 'onProgress'] as const

/** How many ids, and how many events of blocks, are looked at in one statement. */
const IDS = 20_000

/** Whether the log is what was sealed. */
export async function verifyChain(
  queryable: Queryable,
  schema: string,
  given: VerifyChainOptions,
): Promise<ChainVerification> {
  checkOptions('verifyChain', given, options)
  const { digest, publicKey, independent, jobs = 1, after, limit = 1000, onProgress } = given
  checkFlag('verifyChain', 'independent', independent)
  checkNumber('jobs', jobs, 1, 64)
  checkNumber('limit', limit, 0, 1_000_000)
  if (after !== undefined && !/^-?\d{1,19}$/.test(after)) {
    throw new UsageError(`after: ${show(after)} is no id of an event. Give what onProgress told.`)
  }
  const digests = digest === undefined ? [] : ([digest].flat() as readonly NamedDigest[])
  if (digests.length > 0 && publicKey === undefined) {
    throw new UsageError(
      'A digest is verified with the public key of who signed it. Give publicKey, as PEM.',
    )
  }
  const check = new DigestCheck(digests, publicKey ?? '')

  const found = new Findings(limit)
  const chain = await verifyEntries(queryable, schema, check, found)
  const reach = await reachOf(queryable, schema)
  if (chain.entries === 0 && digests.length === 0) {
    if (!reach.salted) throw notSealed()
    found.add({
      kind: 'truncated',
      event: null,
      block: null,
      message: 'The chain is gone, though events were made to be sealed.',
    })
  }

  const parts = independent
    ? new InProcess(queryable, schema, chain.amendments, chain.sealed)
    : new InDatabase(queryable, schema)
  for (let block = 0n; block <= reach.blocks; block += 100n) {
    found.addAll(await parts.blocks(block, block + 99n))
  }
  const sum = { verified: 0, redacted: 0, pending: 0 }
  const first = after === undefined ? reach.first - 1n : BigInt(after)
  await inOrder(jobs, windows(first, reach.last), {
    work: ([from, until]) => parts.events(from, until),
    done: (part: Part, [, until]) => {
      sum.verified += part.verified
      sum.redacted += part.redacted
      sum.pending += part.pending
      found.addAll(part.problems)
      onProgress?.({ after: String(until), last: String(reach.last) })
    },
  })
  return {
    ok: found.count === 0,
    ...sum,
    retired: chain.amendments.retired,
    entries: chain.entries,
    problems: found.problems,
    more: found.count - found.problems.length,
  }
}

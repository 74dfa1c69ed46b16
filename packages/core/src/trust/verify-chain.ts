import { UsageError } from '../errors.js'
import { checkFlag, checkOptions, show } from '../options.js'
import { type Queryable, rowsOf } from '../queryable.js'
import { render } from '../sql/template.js'
import { notSealed } from './chain.js'
import { readChain } from './chain-links.js'
import { type ChainStart, chainStart } from './chain-start.js'
import { DigestCheck, type NamedDigest } from './check-digests.js'
import { endOf, LEAST, least, nextOf, ranges, reachOf } from './reach.js'
import { verifierInProcess } from './verify-in-process.js'
import { described, type EventsPart, ofLog, verifierInDatabase } from './verify-parts.js'

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
  readonly onProgress?:
    | ((progress: { readonly after: string; readonly last: string }) => void)
    | undefined
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
  /**
   * When it began, and whether it took the place of a broken one; null where it has no such entry. What
   * was before is in order only as far as a digest of then tells.
   */
  readonly start: ChainStart | null
  /** How many digests from outside the chain was compared with. */
  readonly digests: number
  /** Where `after` was given: events up to this one were not looked at. Else null. */
  readonly after: string | null
  readonly problems: readonly ChainProblem[]
  /** How many further problems there are than are named. */
  readonly more: number
}

const options = [
  'digest',
  'publicKey',
  'independent',
  'jobs',
  'after',
  'limit',
  'onProgress',
] as const

/** How many ids are looked at in one statement, where the rows come here how many, */
const IDS = 20_000n
const IDS_IN_PROCESS = 2_000n
/** and how many entries of the chain. */
const ENTRIES = 1000n

/** Whether the log is what was sealed. */
export async function verifyChain(
  queryable: Queryable,
  schema: string,
  given: VerifyChainOptions,
): Promise<ChainVerification> {
  checkOptions('verifyChain', given, options)
  const { independent, jobs = 1, after, limit = 1000, onProgress } = given
  checkFlag('verifyChain', 'independent', independent)
  checkNumber('jobs', jobs, 1, 64)
  checkNumber('limit', limit, 0, 1_000_000)
  if (after !== undefined && !/^-?\d{1,19}$/.test(after)) {
    throw new UsageError(`after: ${show(after)} is no id of an event. Give what onProgress told.`)
  }
  const digests = digestsOf(given)

  const problems: ChainProblem[] = []
  let more = 0
  const found = (problem: ChainProblem) => {
    if (problems.length < limit) problems.push(problem)
    else more += 1
  }
  const chain = await readChain(queryable, schema, digests, found)
  const odd = await rowsOf<{ message: string }>(queryable, render('read/odd_relations', schema), [])
  for (const { message } of odd) found(ofLog(message))
  const reach = await reachOf(queryable, schema)
  if (chain.entries === 0) {
    if (!reach.salted && given.digest === undefined) throw notSealed()
    found({
      kind: 'truncated',
      event: null,
      block: null,
      message: 'The chain is gone, though the log was sealed.',
    })
  }

  const verifier = independent
    ? verifierInProcess(queryable, schema, chain, () =>
        readChain(queryable, schema, digestsOf({}), () => {}),
      )
    : verifierInDatabase(queryable, schema)
  const sum = { verified: 0, redacted: 0, pending: 0 }
  let leavesAreGone = false
  // what PostgreSQL cannot read stops its functions, and was found above
  if (independent || chain.isReadable) {
    for (const problem of await verifier.tables()) found(problem)
    await verifyBlocks()
    await verifyEvents()
  }
  return {
    ok: problems.length + more === 0,
    ...sum,
    retired: chain.amendments.retired,
    entries: chain.entries,
    start: await chainStart(queryable, schema),
    digests: digests.size,
    after: after ?? null,
    problems,
    more,
  }

  async function verifyBlocks(): Promise<void> {
    for (const finding of await verifier.blocks(LEAST, -1n)) found(described(finding))
    let from = await nextOf(queryable, schema, 'read/next_entry', 0n)
    while (from !== undefined && from <= reach.entries) {
      // what is sealed meanwhile comes with its leaves, but perhaps between two looks
      const last: bigint = least(endOf(from, ENTRIES), reach.entries)
      for (const finding of await verifier.blocks(from, last)) {
        found(described(finding))
        leavesAreGone ||= finding.kind === 'missing'
      }
      from = await nextOf(queryable, schema, 'read/next_entry', last + 1n)
    }
  }

  async function verifyEvents(): Promise<void> {
    // the newest may be gone
    let end = reach.last
    if (end < chain.lastEvent) end = chain.lastEvent
    let from: bigint | undefined = after === undefined ? reach.first : BigInt(after) + 1n
    if (from <= LEAST) {
      // behind which id it would be, no number says
      if (reach.first === LEAST)
        found(described({ kind: 'added', event: String(LEAST), block: null, entry: null }))
      from = LEAST + 1n
    }
    while (from !== undefined && from <= end) {
      const several = ranges(from, end, independent ? IDS_IN_PROCESS : IDS, jobs)
      const parts = await Promise.all(
        several.map(([first, last]) => verifier.events(first - 1n, last)),
      )
      for (const part of parts) {
        sum.verified += part.verified
        sum.redacted += part.redacted
        sum.pending += part.pending
        for (const finding of part.problems) found(described(finding, leavesAreGone))
      }
      const last: bigint = several.at(-1)?.[1] ?? end
      onProgress?.({ after: String(least(last, end)), last: String(end) })
      from = isEmpty(parts.at(-1))
        ? await nextOf(queryable, schema, 'read/next_event', last + 1n)
        : last + 1n
    }
  }
}

function digestsOf({ digest, publicKey }: VerifyChainOptions): DigestCheck {
  const digests = digest === undefined ? [] : [digest].flat()
  if (digest === undefined && publicKey !== undefined) {
    throw new UsageError(
      'verifyChain was given a publicKey, and no digest that it could have signed. Give both, or neither.',
    )
  }
  if (digests.length > 0 && publicKey === undefined) {
    throw new UsageError(
      'A digest is verified by the public key of who signed it. Give publicKey, as PEM.',
    )
  }
  return new DigestCheck(digests, publicKey ?? '')
}

function isEmpty(part: EventsPart | undefined): boolean {
  return part?.verified === 0 && part.pending === 0 && part.problems.length === 0
}

function checkNumber(option: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return
  throw new UsageError(
    `${option}: ${show(value)} is no number from ${least} to ${most}. Give one of these.`,
  )
}

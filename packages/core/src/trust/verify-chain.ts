import { UsageError } from '../errors.js'
import { checkFlag, checkOptions, show } from '../options.js'
import { type Queryable, rowsOf } from '../queryable.js'
import { render } from '../sql/template.js'
import { notSealed } from './chain.js'
import { readChain } from './chain-links.js'
import { type ChainStart, chainStart } from './chain-start.js'
import { DigestCheck, type NamedDigest } from './check-digests.js'
import { inOrder, type Part } from './in-order.js'
import { readPublicKeys } from './keys.js'
import { checkOperators } from './operators.js'
import { endOf, LEAST, least, nextOf, reachOf } from './reach.js'
import { verifierInProcess } from './verify-in-process.js'
import { described, type Finding, ofLog, verifierInDatabase } from './verify-parts.js'

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
const IDS_IN_PROCESS = 1_000n
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

  if (independent) await checkOperators(queryable)
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
  // what PostgreSQL cannot read stops its functions, and was found above
  if (independent || chain.isReadable) {
    for (const look of [verifier.misplaced, verifier.tables, verifier.records])
      for (const problem of await look()) found(problem)
    await inOrder(jobs, parts())
  }
  if (
    problems.length + more === 0 &&
    after === undefined &&
    chain.amendments.sealed - chain.amendments.retired > sum.verified
  ) {
    // unless they were retired meanwhile
    const { amendments } = await readChain(queryable, schema, digestsOf({}), () => {})
    const expected = chain.amendments.sealed - amendments.retired
    if (expected > sum.verified)
      found(
        ofLog(
          `Of ${expected} events that are sealed ${sum.verified} were verified: the functions of the log have not looked at the others. Verify independent of them.`,
        ),
      )
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

  async function* parts(): AsyncGenerator<Part> {
    let leavesAreGone = false
    const heard = (findings: readonly Finding[]) => {
      for (const finding of findings) {
        leavesAreGone ||= finding.event === null && finding.kind === 'missing'
        found(described(finding, leavesAreGone))
      }
    }
    yield* partsOfBlocks(heard)
    yield* partsOfEvents(heard)
  }

  async function* partsOfBlocks(heard: Heard): AsyncGenerator<Part> {
    const blocks = (first: bigint, last: bigint) => async () => {
      const findings = await verifier.blocks(first, last)
      return () => heard(findings)
    }
    yield blocks(LEAST, -1n)
    let from = await nextOf(queryable, schema, 'read/next_entry', 0n)
    while (from !== undefined && from <= reach.entries) {
      // what is sealed meanwhile comes with its leaves, but perhaps between two looks
      const last: bigint = least(endOf(from, ENTRIES), reach.entries)
      yield blocks(from, last)
      from = await nextOf(queryable, schema, 'read/next_entry', last + 1n)
    }
  }

  async function* partsOfEvents(heard: Heard): AsyncGenerator<Part> {
    const size = independent ? IDS_IN_PROCESS : IDS
    // the newest may be gone
    let end = reach.last
    if (end < chain.lastEvent) end = chain.lastEvent
    let from: bigint | undefined = after === undefined ? reach.first : BigInt(after) + 1n
    let wasEmpty = false
    if (from <= LEAST) {
      // behind which id it would be, no number says
      if (reach.first === LEAST)
        heard([{ kind: 'added', event: String(LEAST), block: null, entry: null }])
      from = LEAST + 1n
    }
    while (from !== undefined && from <= end) {
      const first: bigint = from
      const last = endOf(first, size)
      yield async () => {
        const part = await verifier.events(first - 1n, last)
        wasEmpty = part.verified === 0 && part.pending === 0 && part.problems.length === 0
        return () => {
          sum.verified += part.verified
          sum.redacted += part.redacted
          sum.pending += part.pending
          heard(part.problems)
          onProgress?.({ after: String(least(last, end)), last: String(end) })
        }
      }
      from = wasEmpty ? await nextOf(queryable, schema, 'read/next_event', last + 1n) : last + 1n
    }
  }
}

type Heard = (findings: readonly Finding[]) => void

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
  if (publicKey !== undefined) readPublicKeys(publicKey) // or each digest would be blamed for it
  return new DigestCheck(digests, publicKey ?? '')
}

function checkNumber(option: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return
  throw new UsageError(
    `${option}: ${show(value)} is no number from ${least} to ${most}. Give one of these.`,
  )
}

import { AuditrumError } from '../errors.js'
import { show } from '../options.js'
import type { Queryable } from '../queryable.js'
import { storedEntries } from './chain.js'
import { type Digest, verifyDigest } from './checkpoint.js'
import { isLog, parseEntry } from './entry.js'
import { leafHash, MerkleTree } from './merkle.js'

/** How a chain departs from a digest. */
export interface DigestProblem {
  /**
   * `truncated`: entries at its end are missing. `rewritten`: entries that the digest was signed over are
   * not what they were.
   */
  readonly kind: 'truncated' | 'rewritten'
  readonly event: null
  readonly block: null
  readonly message: string
}

/** A digest, and what it is called where something is wrong: a file, say. */
export type NamedDigest = string | { readonly name: string; readonly text: string }

/** A digest that was signed, and whether the chain leads to it. */
interface Claim extends Digest {
  /** As it is called in a sentence. */
  readonly name: string
  found: boolean
}

/**
 * Compares any number of digests with a chain while its entries pass by, in their order.
 *
 * @example
 * ```ts
 * const check = new DigestCheck(digests, publicKey)
 * for (const entry of entries) {
 *   tree.push(leafHash(entry))
 *   check.passed(tree)
 * }
 * const problems = check.problems({ log, last: lastId })
 * ```
 */
export class DigestCheck {
  readonly #claims: readonly Claim[]
  #next = 0

  /**
   * @throws IntegrityError for a digest that none of these keys has signed.
   * @throws UsageError for a text that is no digest.
   */
  constructor(digests: readonly NamedDigest[], publicKey: string) {
    this.#claims = claimsOf(digests, publicKey).sort((one, other) => one.size - other.size)
    this.passed(new MerkleTree())
  }

  /** How many digests there are. */
  get size(): number {
    return this.#claims.length
  }

  /** The tree has one leaf more than the last time. */
  passed(tree: MerkleTree): void {
    let root: string | undefined
    for (;;) {
      const claim = this.#claims[this.#next]
      if (claim === undefined || claim.size > tree.size) return
      root ??= tree.root().toString('base64')
      claim.found = claim.size === tree.size && claim.root === root
      this.#next += 1
    }
  }

  /**
   * What is wrong, once all entries have passed: one problem for all digests that say the same.
   *
   * @param chain the uuid of the log, as its first entry names it, and the id of the last entry.
   */
  problems(chain: {
    readonly log: string | null
    readonly last: number
  }): readonly DigestProblem[] {
    const own = this.#claims.filter(({ log }) => log === chain.log)
    const others = this.#claims.filter(({ log }) => log !== chain.log)
    const fits = own.findLast(({ found }) => found)
    const later = own.filter(({ found, size }) => !found && size > (fits?.size ?? 0))
    const missing = later.filter(({ size }) => size > chain.last + 1)
    const changed = later.filter(({ size }) => size <= chain.last + 1)
    const forks = own.filter(({ found, size }) => !found && size <= (fits?.size ?? 0))
    return [
      ...(chain.last < 0
        ? told(
            others,
            'truncated',
            ({ log, size }) =>
              `was signed over ${size} entries of the log ${log}, and this one has none: they were deleted, or the digest is another log's`,
          )
        : told(
            others,
            'rewritten',
            ({ log }) =>
              `is of the log ${log}, and this one is ${chain.log ?? 'nameless'}: the chain was begun anew, or the digest is another log's`,
          )),
      ...told(
        forks,
        'rewritten',
        ({ size }) =>
          `fits no past of this chain, which leads to the ${fits?.name}: two different pasts of ${size} entries were signed`,
      ),
      ...told(
        changed,
        'rewritten',
        ({ size }) =>
          `was signed over other entries than are there now: something from entry ${fits?.size ?? 0} to ${size - 1} was changed, added or removed since`,
      ),
      ...told(
        missing,
        'truncated',
        ({ size }) =>
          `was signed over ${size} entries, of which those from ${chain.last + 1} on are missing now`,
      ),
    ]
  }
}

/**
 * Whether the chain still leads to what was signed, for any number of digests in one reading of it. A
 * broken chain is an answer, not an exception.
 *
 * @throws IntegrityError for a digest that none of these keys has signed.
 * @throws UsageError for a text that is no digest.
 */
export async function checkDigests(
  queryable: Queryable,
  schema: string,
  digests: readonly NamedDigest[],
  publicKey: string,
): Promise<readonly DigestProblem[]> {
  const check = new DigestCheck(digests, publicKey)
  const tree = new MerkleTree()
  let log: string | null = null
  let last = -1
  for await (const { id, text } of storedEntries(queryable, schema)) {
    if (tree.size === 0) {
      const named = parseEntry(text)?.log
      log = isLog(named) ? named : null
    }
    tree.push(leafHash(text))
    check.passed(tree)
    last = id
  }
  return check.problems({ log, last })
}

/** The same for one digest. */
export async function checkDigest(
  queryable: Queryable,
  schema: string,
  digest: NamedDigest,
  publicKey: string,
): Promise<readonly DigestProblem[]> {
  return checkDigests(queryable, schema, [digest], publicKey)
}

/** Of a list of digests with one fault: that of the first, and how many others there are. */
function told(
  claims: readonly Claim[],
  kind: DigestProblem['kind'],
  fault: (first: Claim) => string,
): readonly DigestProblem[] {
  const [first, ...more] = claims
  if (first === undefined) return []
  const last = more.at(-1)
  const others =
    last === undefined
      ? ''
      : more.length === 1
        ? ` (the same is true of the ${last.name})`
        : ` (the same is true of ${more.length} more, up to the ${last.name})`
  return [
    {
      kind,
      event: null,
      block: null,
      message: `The ${first.name} ${fault(first)}${others}.`,
    },
  ]
}

/** Takes them apart; of those that are refused the error says which one was, and of how many others it is true. */
function claimsOf(digests: readonly NamedDigest[], publicKey: string): Claim[] {
  const claims: Claim[] = []
  const refused: { readonly name: string | undefined; readonly error: Error }[] = []
  for (const given of digests) {
    const { name, text } = typeof given === 'string' ? { name: undefined, text: given } : given
    try {
      const digest = verifyDigest(text, publicKey)
      claims.push({
        ...digest,
        name: `digest ${name ?? `of ${digest.size} entries`}`,
        found: false,
      })
    } catch (error) {
      if (!(error instanceof AuditrumError)) throw error
      refused.push({ name, error })
    }
  }
  const [first] = refused
  if (first === undefined) return claims
  const { name, error } = first
  const same = refused.filter((each) => each.error.message === error.message).length - 1
  if (name !== undefined) error.message = `${show(name)}: ${error.message}`
  if (same > 0) error.message += ` The same is true of ${same} more of the digests.`
  throw error
}

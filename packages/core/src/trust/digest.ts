import { IntegrityError } from '../errors.js'
import { checkOptions } from '../options.js'
import type { Queryable } from '../queryable.js'
import { chainEntries, notSealed } from './chain.js'
import { DigestCheck, type NamedDigest } from './check-digests.js'
import { signDigest } from './checkpoint.js'
import { publicKeyOf, readPrivateKey } from './keys.js'
import { MerkleTree } from './merkle.js'

/** What `digest` is told. */
export interface DigestOptions {
  /** The private key: Ed25519, as PEM (PKCS #8). It goes to no database and into no message. */
  readonly key: string
  /** An older digest: nothing is signed where the chain no longer leads to it. */
  readonly previous?: NamedDigest | undefined
  /** Former public keys, as PEM: `previous` may be signed by one of these, too. */
  readonly publicKey?: string | undefined
}

/** Signs what is sealed now. The root is computed here, from the entries alone. */
export async function digest(
  queryable: Queryable,
  schema: string,
  options: DigestOptions,
): Promise<string> {
  checkOptions('digest', options, ['key', 'previous', 'publicKey'])
  const { previous } = options
  const key = readPrivateKey(options.key)
  const check = new DigestCheck(
    previous === undefined ? [] : [previous],
    `${publicKeyOf(options.key)}${options.publicKey ?? ''}`,
  )
  const tree = new MerkleTree()
  let log: string | null = null
  for await (const { leaf, entry } of chainEntries(queryable, schema)) {
    if (tree.size === 0) log = entry.log as string
    tree.push(leaf)
    check.passed(tree)
  }
  const [problem] = check.problems({ log, last: tree.size - 1 })
  if (problem) {
    throw new IntegrityError(
      `${problem.message} Nothing was signed; keep that digest, and see what verifyChain says.`,
    )
  }
  if (log === null) throw notSealed()
  return signDigest({ log, size: tree.size, root: tree.root() }, key)
}

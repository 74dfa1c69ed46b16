import { IntegrityError, UsageError } from '../errors.js'
import { checkOptions, isPlainObject, show } from '../options.js'
import { type Digest, verifyDigest } from './checkpoint.js'
import { parseEntry, timeOfMicroseconds } from './entry.js'
import { HASH_BYTES, isIncluded, leafHash } from './merkle.js'
import { parseSealedEvent, type SealedEvent } from './sealed-event.js'

/** The version of the format: of the file's first member. */
export const PROOF_FORMAT = 'auditrum-proof/1'

/** A proof as it stands in its file. Hashes are in base64, paths from the leaf up. */
export interface Proof {
  readonly format: typeof PROOF_FORMAT
  /** The event in its canonical form. */
  readonly event: string
  /** Where the event is in its block: from 0; and its path to the block's root. */
  readonly place: number
  readonly path: readonly string[]
  /** The hash that was sealed, where the event was redacted since. */
  readonly leaf: string | null
  /** The entry of the chain that seals the block. */
  readonly block: ProofEntry
  /** The entries of the chain that say what of the event was erased, the last of them what is left. */
  readonly redactions: readonly ProofEntry[]
  /** How many entries the chain had, and the root of the tree over them. */
  readonly size: number
  readonly root: string
  /** The digest that says the same; null where it is kept elsewhere. */
  readonly digest: string | null
}

/** An entry of the chain as it is hashed, and its path to the root of the chain. */
export interface ProofEntry {
  readonly entry: string
  readonly path: readonly string[]
}

/** What a proof is verified with. */
export interface ProofOptions {
  /** The public key of the log's digests, as PEM; several in one text where keys were changed. */
  readonly publicKey: string
  /** The digest, where the proof does not hold it, or one that is trusted more. */
  readonly digest?: string | undefined
}

/** An entry of the chain: its number, when it was written, and by which role. */
export interface ProvenAct {
  readonly id: number
  readonly at: string
  readonly by: string
}

/** What a proof proves. */
export interface ProvenEvent {
  readonly event: SealedEvent
  /** The table's name when the event was sealed, as `schema.name`. */
  readonly table: string | null
  /** The block that sealed it: its number in the chain, when that was, and which role did it. */
  readonly block: ProvenAct & {
    /** How many events it seals, */
    readonly events: number
    /** and of which tables: their names then, as `schema.name`. */
    readonly tables: readonly string[]
  }
  /** Each erasure of some of its values, in their order, and the columns that went; empty where none did. */
  readonly redactions: readonly (ProvenAct & { readonly columns: readonly string[] })[]
  /** The digest that it is proven by. */
  readonly digest: Digest
}

/**
 * Verifies that an event is in the log whose digest was signed, unchanged: offline, with no database and
 * no trust in whoever made the proof.
 *
 * @param proof the text of the proof, as `prove` gave it.
 * @throws IntegrityError where it proves nothing: the event, an entry or a path is not what was signed.
 * @throws UsageError where this is no proof, or nothing says which digest.
 * @example
 * ```ts
 * import { verifyProof } from '@auditrum/core/proof'
 *
 * const { event, table, block } = verifyProof(readFileSync('4711.proof', 'utf8'), { publicKey })
 * ```
 */
export function verifyProof(proof: string, options: ProofOptions): ProvenEvent {
  checkOptions('verifyProof', options, ['publicKey', 'digest'])
  const parsed = parseProof(proof)
  const text = options.digest ?? parsed.digest
  if (text === null) {
    throw new UsageError(
      `The proof has no digest in it. Give the one of ${parsed.size} entries that it was made for.`,
    )
  }
  const digest = verifyDigest(text, options.publicKey)
  if (digest.size !== parsed.size) {
    throw new UsageError(
      `The proof was made for a digest of ${parsed.size} entries, and this one is of ${digest.size}. Give that one, or have the event proven for this one.`,
    )
  }
  if (digest.root !== parsed.root) {
    throw new IntegrityError(
      `The proof is for another chain than the digest of ${digest.size} entries. Trust neither before you know why.`,
    )
  }
  return provenBy(parsed, digest)
}

/** What a proof proves, if the digest is to be trusted. */
export function provenBy(proof: Proof, digest: Digest): ProvenEvent {
  const root = hashOf(digest.root)
  const leaf = leafHash(proof.event)
  const event = parseSealedEvent(proof.event)
  const block = provenEntry(proof.block, 'block', digest.size, root)
  const { events, root: blockRoot } = block.entry
  const sealed = proof.leaf === null ? leaf : hashOf(proof.leaf)
  const isThere =
    isCount(events) &&
    proof.place < events &&
    typeof blockRoot === 'string' &&
    isIncluded(sealed, proof.place, events, proof.path.map(hashOf), Buffer.from(blockRoot, 'hex'))
  if (!isThere) throw unproven(`event ${event.id} is not at place ${proof.place} of the block`)
  if ((proof.leaf === null) !== (proof.redactions.length === 0)) {
    throw unproven('it has the sealed hash of a redacted event, or what it was redacted to, alone')
  }
  let before = block.id
  const redactions = proof.redactions.map((entry, index) => {
    const redaction = provenEntry(entry, 'redact', digest.size, root)
    const redacted = listOf(redaction.entry.redacted).find(
      (one) =>
        one.block === block.id && one.place === proof.place && String(one.event) === event.id,
    )
    const isLast = index === proof.redactions.length - 1
    const fits = redacted !== undefined && (!isLast || redacted.leaf === leaf.toString('hex'))
    if (redaction.id <= before || !fits) {
      throw unproven(
        `entry ${redaction.id} does not say that event ${event.id} was redacted to this`,
      )
    }
    before = redaction.id
    const { columns } = redacted
    return { ...actOf(redaction), columns: Array.isArray(columns) ? columns.map(String) : [] }
  })
  const tables = isPlainObject(block.entry.tables) ? block.entry.tables : {}
  const table = tables[event.tableId]
  return {
    event,
    table: typeof table === 'string' ? table : null,
    block: { ...actOf(block), events, tables: Object.values(tables).map(String).sort() },
    redactions,
    digest,
  }
}

/** A proof from its text, of the right form, and nothing verified. */
function parseProof(text: unknown): Proof {
  const proof = typeof text === 'string' ? parseEntry(text) : undefined
  if (proof === undefined) throw noProof('it is no JSON object')
  if (proof.format !== PROOF_FORMAT) {
    throw noProof(`its format is ${show(proof.format)}, and this version knows ${PROOF_FORMAT}`)
  }
  const { event, place, path, leaf, block, redactions, size, root, digest } = proof
  if (
    typeof event !== 'string' ||
    !isCount(place) ||
    !isPath(path) ||
    !(leaf === null || isHash(leaf)) ||
    !isProofEntry(block) ||
    !(Array.isArray(redactions) && redactions.every(isProofEntry)) ||
    !isCount(size) ||
    !isHash(root) ||
    !(digest === null || typeof digest === 'string')
  ) {
    throw noProof('a member is missing, or is of another type')
  }
  return { format: PROOF_FORMAT, event, place, path, leaf, block, redactions, size, root, digest }
}

interface ProvenEntry {
  readonly id: number
  readonly entry: Readonly<Record<string, unknown>>
}

function provenEntry(
  { entry: text, path }: ProofEntry,
  kind: string,
  size: number,
  root: Buffer,
): ProvenEntry {
  const entry = parseEntry(text)
  const id = entry?.id
  if (entry?.v !== 1 || entry.kind !== kind || !isCount(id)) {
    throw unproven(`what it has for an entry is none of the kind ${kind}`)
  }
  if (id >= size || !isIncluded(leafHash(text), id, size, path.map(hashOf), root)) {
    throw unproven(`entry ${id} is not in the chain that the digest was signed over`)
  }
  return { id, entry }
}

function actOf({ id, entry }: ProvenEntry): ProvenAct {
  return { id, at: timeOfMicroseconds(entry.at), by: String(entry.by) }
}

function listOf(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value.filter(isPlainObject) : []
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function isHash(value: unknown): value is string {
  if (typeof value !== 'string') return false
  const bytes = hashOf(value)
  // no other text for the same bytes
  return bytes.length === HASH_BYTES && bytes.toString('base64') === value
}

function isPath(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length <= 64 && value.every(isHash)
}

function isProofEntry(value: unknown): value is ProofEntry {
  return isPlainObject(value) && typeof value.entry === 'string' && isPath(value.path)
}

function hashOf(base64: string): Buffer {
  return Buffer.from(base64, 'base64')
}

function unproven(why: string): IntegrityError {
  return new IntegrityError(
    `The proof does not hold: ${why}. Something of it was changed, or it was made of a log that was.`,
  )
}

function noProof(why: string): UsageError {
  return new UsageError(`This is no proof: ${why}. Give the text that prove printed.`)
}

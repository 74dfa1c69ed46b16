import { IntegrityError, UsageError } from '../errors.js'
import { checkOptions, show } from '../options.js'
import { type Queryable, rowsOf } from '../queryable.js'
import { isId } from '../read/moment.js'
import { render } from '../sql/template.js'
import { chainEntries } from './chain.js'
import { parseDigest } from './checkpoint.js'
import { HASH_BYTES, InclusionPath, leafHash, MerkleTree } from './merkle.js'
import { PROOF_FORMAT, type Proof, type ProofEntry, provenBy } from './proof.js'

/** As text: a proof is a file to be handed on, and a string on its way there. */
const MOST_BYTES = 64 * 2 ** 20

/** What `prove` is told. */
export interface ProveOptions {
  /**
   * The digest that the proof is to be verified with; it becomes a part of it. Without one, the proof is
   * for the chain as it is now: a digest of the same number of entries is needed to verify it.
   */
  readonly digest?: string | undefined
}

/** A proof that the chain holds an event, for somebody who has the digest and not the log. */
export async function prove(
  queryable: Queryable,
  schema: string,
  eventId: string | number | bigint,
  options: ProveOptions = {},
): Promise<string> {
  checkOptions('prove', options, ['digest'])
  if (!isId(eventId)) {
    throw new UsageError(`${show(eventId)} is no id of an event. Give one as history tells it.`)
  }
  const id = String(BigInt(eventId))
  const digest = options.digest === undefined ? undefined : parseDigest(options.digest)
  const place = await placeOf(queryable, schema, id)
  const event = await canonicalOf(queryable, schema, id, place.block)
  const size = digest?.size ?? place.size
  if (place.block >= place.size) {
    throw new IntegrityError(
      `Event ${id} was sealed by entry ${place.block} of the chain, which has only ${place.size} entries. Nothing was proven; see what verifyChain says.`,
    )
  }
  if (place.block >= size) {
    throw new UsageError(
      `Event ${id} was sealed by entry ${place.block} of the chain, and the digest is of ${size} entries. Give a later digest.`,
    )
  }
  const sealed = place.hashes.subarray(HASH_BYTES * place.index, HASH_BYTES * (place.index + 1))
  const isRedacted = !leafHash(event).equals(sealed)
  const redactedBy = isRedacted ? await redactionsOf(queryable, schema, id, place, size) : []
  const chain = await pathsOf(queryable, schema, size, digest?.log, [place.block, ...redactedBy])
  const [block, ...redactions] = chain.entries
  if (digest !== undefined && (digest.log !== chain.log || digest.root !== chain.root)) {
    throw new IntegrityError(
      `The chain does not lead to this digest of ${digest.size} entries: it was rewritten, or the digest is another log's. Nothing was proven.`,
    )
  }
  const proof: Proof = {
    format: PROOF_FORMAT,
    event,
    place: place.index,
    path: pathInBlock(place),
    leaf: isRedacted ? sealed.toString('base64') : null,
    block: block as ProofEntry,
    redactions,
    size,
    root: chain.root,
    digest: options.digest ?? null,
  }
  // nobody is handed what the other side will refuse
  provenBy(proof, { origin: '', log: chain.log, size, root: chain.root })
  return `${JSON.stringify(proof, null, 2)}\n`
}

interface Place {
  readonly block: number
  readonly index: number
  readonly hashes: Buffer
  /** Of the chain. */
  readonly size: number
}

async function placeOf(queryable: Queryable, schema: string, id: string): Promise<Place> {
  const [row, ...others] = await rowsOf<{
    readonly block: string
    readonly place: string
    readonly hashes: string
    readonly size: string
  }>(queryable, render('read/event_blocks', schema), [id])
  if (row === undefined) {
    const events = await rowsOf(queryable, render('read/sealed_event', schema), [id, 0])
    throw new UsageError(
      events.length === 0
        ? `Event ${id} is in no block: there is none of this id, or retention has let it go. Look for it with history; whether somebody else took it, verifyChain tells.`
        : `Event ${id} is in no block: it is not sealed yet, or the hashes of its block are gone. Seal, and prove it then; whether something is gone, verifyChain tells.`,
    )
  }
  if (others.length > 0) {
    throw new IntegrityError(
      `Event ${id} is in more than one block. Nothing was proven; see what verifyChain says.`,
    )
  }
  return {
    block: Number(row.block),
    index: Number(row.place),
    hashes: Buffer.from(row.hashes, 'hex'),
    size: Number(row.size),
  }
}

async function canonicalOf(
  queryable: Queryable,
  schema: string,
  id: string,
  block: number,
): Promise<string> {
  const [row, ...others] = await rowsOf<{
    readonly canonical: string | null
    readonly bytes: string
  }>(queryable, render('read/sealed_event', schema), [id, MOST_BYTES])
  if (row !== undefined && others.length === 0) {
    if (row.canonical !== null) return row.canonical
    throw new UsageError(
      `Event ${id} is ${row.bytes} bytes of text, and a proof holds ${MOST_BYTES} at most. Verify it where it is, with verifyChain.`,
    )
  }
  throw row === undefined
    ? new UsageError(
        `Event ${id} was sealed in block ${block} and is gone. Whether retention took it or somebody else, verifyChain tells.`,
      )
    : new IntegrityError(
        `There are several events with the id ${id}. Nothing was proven; see what verifyChain says.`,
      )
}

async function redactionsOf(
  queryable: Queryable,
  schema: string,
  id: string,
  { block, index }: Place,
  size: number,
): Promise<readonly number[]> {
  const rows = await rowsOf<{ readonly id: string }>(
    queryable,
    render('read/event_redactions', schema),
    [id, size, String(block), String(index)],
  )
  if (rows.length > 0) return rows.map((row) => Number(row.id))
  throw new IntegrityError(
    `Event ${id} is not what was sealed, and none of the first ${size} entries says that it was redacted. If it was redacted later, give a later digest; else see what verifyChain says.`,
  )
}

function pathInBlock({ index, hashes }: Place): readonly string[] {
  const path = new InclusionPath(index, Math.floor(hashes.length / HASH_BYTES))
  for (let at = 0; at + HASH_BYTES <= hashes.length; at += HASH_BYTES) {
    path.push(hashes.subarray(at, at + HASH_BYTES))
  }
  return path.hashes().map((hash) => hash.toString('base64'))
}

/** The entries with these ids and their paths, and the root of the first so many entries. */
async function pathsOf(
  queryable: Queryable,
  schema: string,
  size: number,
  expectedLog: string | undefined,
  ids: readonly number[],
): Promise<{
  readonly log: string
  readonly root: string
  readonly entries: readonly ProofEntry[]
}> {
  const tree = new MerkleTree()
  const paths = ids.map((id) => new InclusionPath(id, size))
  const texts: string[] = []
  let log = ''
  for await (const { id, text, leaf, entry } of chainEntries(queryable, schema)) {
    if (id === 0) log = entry.log as string
    if (ids.includes(id)) texts[ids.indexOf(id)] = text
    tree.push(leaf)
    for (const path of paths) path.push(leaf)
    if (tree.size === size) break
  }
  // of another log that tells nothing
  if (tree.size < size && log === expectedLog) {
    throw new IntegrityError(
      `The chain has ${tree.size} entries, and not the ${size} of the digest. Nothing was proven; see what verifyChain says.`,
    )
  }
  return {
    log,
    root: tree.root().toString('base64'),
    entries: ids.map((_, index) => ({
      entry: texts[index] as string,
      path: (paths[index] as InclusionPath).hashes().map((hash) => hash.toString('base64')),
    })),
  }
}

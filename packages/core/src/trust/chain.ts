import { IntegrityError, SchemaError } from '../errors.js'
import { type Queryable, rowsOf, streamOf } from '../queryable.js'
import { render } from '../sql/template.js'
import { isLog, parseEntry } from './entry.js'
import { leafHash } from './merkle.js'

/** An entry of the chain, as the database has it. */
export interface StoredEntry {
  readonly id: number
  /** What is hashed. */
  readonly text: string
}

/** An entry whose place and predecessor were checked. */
export interface ChainEntry extends StoredEntry {
  readonly leaf: Buffer
  /** What the text says; its `kind` tells what else is in it. */
  readonly entry: Readonly<Record<string, unknown>>
}

const PAGE = 1000
/** Nobody's place: whoever puts an entry before the first one is found out. */
const FIRST = '-9223372036854775808'

/** The entries in their order, whatever they are worth. Of a chain that grows meanwhile, some of its end. */
export async function* storedEntries(
  queryable: Queryable,
  schema: string,
): AsyncGenerator<StoredEntry, void, undefined> {
  const text = render('read/seal_entries', schema)
  const rows = streamOf<Row>(queryable, text, [FIRST, null])
  if (rows !== undefined) {
    for await (const row of rows) yield storedEntry(row)
    return
  }
  let from = BigInt(FIRST)
  for (;;) {
    const page = await rowsOf<Row>(queryable, text, [String(from), PAGE])
    for (const row of page) yield storedEntry(row)
    const last = page.at(-1)
    if (last === undefined || page.length < PAGE) return
    from = BigInt(last.id) + 1n
  }
}

/**
 * The entries in their order, each as it must follow the one before it.
 *
 * @throws IntegrityError where one does not.
 */
export async function* chainEntries(
  queryable: Queryable,
  schema: string,
): AsyncGenerator<ChainEntry, void, undefined> {
  let place = 0
  let previous: string | null = null
  for await (const { id, text } of storedEntries(queryable, schema)) {
    if (id !== place) throw broken(`entry ${place} is missing`)
    const entry = parseEntry(text)
    if (entry?.v !== 1 || entry.id !== place) throw broken(`entry ${place} is not what it says`)
    if (entry.previous !== previous) {
      throw broken(unlinked(place))
    }
    if ((entry.kind === 'start') !== (place === 0)) {
      throw broken(`entry ${place} is of the kind ${String(entry.kind)}`)
    }
    if (place === 0 && !isLog(entry.log)) throw broken('entry 0 does not name the log')
    const leaf = leafHash(text)
    yield { id, text, leaf, entry }
    previous = leaf.toString('hex')
    place += 1
  }
}

/** Of an entry that does not name the hash of the one before it: which of both is false nobody can tell from them. */
export function unlinked(id: number): string {
  if (id === 0) return 'entry 0 names one before it, and there is none'
  return `entry ${id} does not follow the entry ${id - 1} that is there: entry ${id - 1} was changed, or what entry ${id} says of it`
}

/** Of a log whose chain has no entry. */
export function notSealed(): SchemaError {
  return new SchemaError(
    'This log is not sealed. Call enableSealing, or run auditrum enable-hash-chain.',
  )
}

interface Row {
  readonly id: string
  /** Null where somebody has let it be. */
  readonly entry: string | null
}

function storedEntry({ id, entry }: Row): StoredEntry {
  return { id: Number(id), text: entry ?? '' }
}

function broken(why: string): IntegrityError {
  return new IntegrityError(
    `The chain is broken: ${why}. Nothing is signed or proven over it; verifyChain says what else is wrong.`,
  )
}

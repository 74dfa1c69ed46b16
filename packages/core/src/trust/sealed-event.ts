import { UsageError } from '../errors.js'
import { timeOfMicroseconds } from './entry.js'

/**
 * An event, as it was sealed: its columns, decoded from its canonical form. Ids are strings; in `old`,
 * `new`, `meta` and `metadata` a number that JavaScript would round is the string of its digits.
 */
export interface SealedEvent {
  readonly id: string
  /** ISO 8601 in UTC, to the microsecond. */
  readonly changedAt: string
  readonly operation: 'insert' | 'update' | 'delete' | 'truncate' | 'snapshot'
  /** The id by which the log knows the table. */
  readonly tableId: string
  /** The key as text, a composite one as the text of a JSON array; null without a primary key. */
  readonly objectId: string | null
  /** Where the change was one of the key itself: the key before. */
  readonly oldObjectId: string | null
  /** What the change replaced: of an update the changed columns, of a delete the row. */
  readonly old: Readonly<Record<string, unknown>> | null
  /** The row after, or as much of it as `image` says. */
  readonly new: Readonly<Record<string, unknown>> | null
  /** The columns declared as `meta`. */
  readonly meta: Readonly<Record<string, unknown>> | null
  /** What `new` holds (of a delete, `old`): the row, the key and what changed, or the key alone. */
  readonly image: 'full' | 'changed' | 'key'
  /** Whether the row changed in a way that JSON cannot tell. */
  readonly lossy: boolean
  /** Columns that changed and whose values are stored nowhere. */
  readonly masked: readonly string[]
  /** Declared columns that the row no longer had when it was written. */
  readonly drift: readonly string[]
  /** Columns whose values were erased afterwards. */
  readonly redacted: readonly string[]
  /** The role that was logged in: a fact. */
  readonly dbUser: string
  readonly txid: string
  readonly contextId: string
  /** Who, why and from where: null where the event has no context of its transaction. */
  readonly context: SealedContext | null
  /**
   * Whether it was too large to be sealed with its values, of over a billion bytes as text: in `old`, `new`,
   * `meta` and `metadata` stands for each value the SHA-256 of its text then, or `too large` where that alone is.
   */
  readonly tooLarge: boolean
}

/** The context of an event, as it was sealed. What the application said of itself is a claim. */
export interface SealedContext {
  readonly id: string
  readonly rootId: string
  /** Names the transaction for good. */
  readonly transactionId: string
  /** When the transaction began: ISO 8601 in UTC, to the microsecond. */
  readonly startedAt: string
  readonly userId: string | null
  readonly metadata: Readonly<Record<string, unknown>> | null
  readonly applicationName: string | null
  readonly clientAddr: string | null
  /** Why what the application gave could not be stored. */
  readonly error: string | null
}

/**
 * The columns of an event by name, from its canonical form (sql/functions/canonical.sql).
 *
 * @throws UsageError where it is of another version, or none.
 */
export function parseSealedEvent(canonical: string): SealedEvent {
  const columns = parseExactly(canonical)
  const [version, id, changedAt, txid, contextId, tableId, operation, image, lossy] = columns
  const [objectId, oldObjectId, old, young, meta, masked, drift, redacted] = columns.slice(9)
  const [dbUser, , context] = columns.slice(17)
  if ((version !== 1 && version !== 2) || columns.length !== 20) {
    throw new UsageError(
      `An event in the canonical form ${String(version)}, of ${columns.length} columns, is not known here. Use a newer version of this package.`,
    )
  }
  return {
    id: String(id),
    changedAt: timeOfMicroseconds(changedAt),
    operation: operations[String(operation)] ?? (String(operation) as SealedEvent['operation']),
    tableId: String(tableId),
    objectId: textOf(objectId),
    oldObjectId: textOf(oldObjectId),
    old: old as SealedEvent['old'],
    new: young as SealedEvent['new'],
    meta: meta as SealedEvent['meta'],
    image: images[String(image)] ?? (String(image) as SealedEvent['image']),
    lossy: lossy === true,
    masked: namesOf(masked),
    drift: namesOf(drift),
    redacted: namesOf(redacted),
    dbUser: String(dbUser),
    txid: String(txid),
    contextId: String(contextId),
    context: Array.isArray(context) ? contextOf(context) : null,
    tooLarge: version === 2,
  }
}

const operations: Readonly<Record<string, SealedEvent['operation']>> = {
  I: 'insert',
  U: 'update',
  D: 'delete',
  T: 'truncate',
  S: 'snapshot',
}

const images: Readonly<Record<string, SealedEvent['image']>> = {
  f: 'full',
  c: 'changed',
  k: 'key',
}

function contextOf(columns: readonly unknown[]): SealedContext {
  const [, transactionId, , startedAt, uuid, rootUuid, userId, applicationName] = columns
  const [clientAddr, metadata, error] = columns.slice(8)
  return {
    id: String(uuid),
    rootId: String(rootUuid),
    transactionId: String(transactionId),
    startedAt: timeOfMicroseconds(startedAt),
    userId: textOf(userId),
    metadata: metadata as SealedContext['metadata'],
    applicationName: textOf(applicationName),
    // of one host: without the length of its prefix
    clientAddr: textOf(clientAddr)?.replace(/(?<=^[\d.]+)\/32$|(?<=:.*)\/128$/, '') ?? null,
    error: textOf(error),
  }
}

const tokens = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g

/** Of a JSON array its elements; numbers that a double does not hold to the digit are strings. */
function parseExactly(json: string): readonly unknown[] {
  const exact = json.replace(tokens, (token) =>
    token.startsWith('"') || String(Number(token)) === token ? token : `"${token}"`,
  )
  try {
    const parsed: unknown = JSON.parse(exact)
    if (Array.isArray(parsed)) return parsed
  } catch {
    // said below
  }
  throw new UsageError(
    'What stands there for the event is no JSON array. Give the proof as it was printed, to the byte.',
  )
}

function textOf(value: unknown): string | null {
  return value === null || value === undefined ? null : String(value)
}

function namesOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(String) : []
}

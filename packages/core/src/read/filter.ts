import { parseTable, quoteTable, type TableName } from '../declare/table.js'
import { UsageError } from '../errors.js'
import { checkFlag } from '../options.js'

/** A row's key: a scalar, or for a composite key an array in key order or an object by column. */
export type RowId =
  | string
  | number
  | bigint
  | readonly unknown[]
  | Readonly<Record<string, unknown>>

/** Which events to read. What is not given filters nothing. */
export interface EventFilter {
  /** As in `track`. */
  readonly table?: string | TableName | undefined
  /**
   * The row's key; needs `table`. Follows the row back through changes of its key. `undefined` is
   * refused: it would be the whole table's history.
   */
  readonly id?: RowId
  readonly user?: string | number | bigint | undefined
  /** The uuid of one context. */
  readonly context?: string | undefined
  /** The uuid of the outermost context: everything that one request or job did. */
  readonly root?: string | undefined
  /** `request_id` in the metadata: a claim of the client, possibly not unique. */
  readonly request?: string | undefined
  /** `transactionId` of an event. */
  readonly transaction?: string | undefined
  readonly operation?: 'insert' | 'update' | 'delete' | 'truncate' | 'snapshot' | undefined
  /** Only events that changed this column. */
  readonly column?: string | undefined
  /** From this time on: a Date, or ISO 8601 with up to microseconds, in UTC where it names no zone. */
  readonly since?: Date | string | undefined
  /** Up to and including this time. */
  readonly until?: Date | string | undefined
  /** At most so many events; a page has 100 without it. */
  readonly limit?: number | undefined
  /** Begin behind the event with this id: the cursor of keyset paging. Null: at the beginning. */
  readonly after?: string | null | undefined
  /** Newest first (`'desc'`) without it. */
  readonly order?: 'asc' | 'desc' | undefined
  /** Also what people call the row, and the rows that it refers to: `label`, `oldLabel`, `newLabel`. */
  readonly labels?: boolean | undefined
}

const known: readonly string[] = [
  'table',
  'id',
  'user',
  'context',
  'root',
  'request',
  'transaction',
  'operation',
  'column',
  'since',
  'until',
  'limit',
  'after',
  'order',
  'labels',
]
const EVENT_ID = /^\d{1,19}$/
export const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

const operations: readonly unknown[] = ['insert', 'update', 'delete', 'truncate', 'snapshot']

/** A filter as the values of sql/read/events.sql. */
export function filterValues(filter: EventFilter, limit: number): unknown[] {
  if (typeof filter !== 'object' || filter === null || Array.isArray(filter)) {
    throw new UsageError(
      `The filter is ${JSON.stringify(filter)}. Give an object such as { table: 'orders', id: 42 }.`,
    )
  }
  for (const [name, value] of Object.entries(filter)) {
    if (!known.includes(name)) refuse(name, value, `The filters are ${known.join(', ')}`)
  }
  const { table, id, user, operation, order = 'desc' } = filter
  if ('id' in filter && table === undefined) refuse('id', id, 'Name the table of the row, too')
  checkFlag('The filter', 'labels', filter.labels)
  if (order !== 'asc' && order !== 'desc') refuse('order', order, "It is 'asc' or 'desc'")
  if (operation !== undefined && !operations.includes(operation)) {
    refuse('operation', operation, `It is one of ${operations.join(', ')}`)
  }
  if (user !== undefined && !['string', 'number', 'bigint'].includes(typeof user)) {
    refuse('user', user, 'Give the user_id of the context')
  }
  return [
    table === undefined ? null : quoteTable(parseTable(table)),
    'id' in filter ? rowIdJson(id) : null,
    user === undefined ? null : String(user),
    textMatching(filter, 'context', UUID, 'Give the uuid of a context'),
    textMatching(filter, 'root', UUID, 'Give the uuid of a context'),
    textMatching(filter, 'request', /^/, 'Give a text'),
    textMatching(filter, 'transaction', EVENT_ID, 'Give an id as events carry it, a text'),
    operation ?? null,
    textMatching(filter, 'column', /./s, 'Give the name of a column'),
    filter.since === undefined ? null : timeText('since', filter.since),
    filter.until === undefined ? null : timeText('until', filter.until),
    filter.after === null
      ? null
      : textMatching(filter, 'after', EVENT_ID, 'Give an id as events carry it, a text'),
    order,
    limit,
  ]
}

function textMatching(
  filter: EventFilter,
  name: 'context' | 'root' | 'request' | 'transaction' | 'column' | 'after',
  pattern: RegExp,
  remedy: string,
): string | null {
  const value: unknown = filter[name]
  if (value === undefined) return null
  if (typeof value !== 'string' || !pattern.test(value)) refuse(name, value, remedy)
  return value
}

/** A whole number of at least one. */
export function checkLimit(limit: number): number {
  if (!Number.isSafeInteger(limit) || limit < 1)
    refuse('limit', limit, 'Give a whole number of at least 1')
  return limit
}

/** A key as JSON, for row_id() in the database: nowhere else is an object_id made. */
export function rowIdJson(id: RowId | undefined): string {
  const parts: unknown[] = typeof id === 'object' && id !== null ? Object.values(id) : [id]
  for (const part of parts) {
    const named =
      part !== null && part !== undefined && !(typeof part === 'number' && !Number.isFinite(part))
    if (!named) refuse('id', id, "Give the row's key")
    if (typeof part === 'number' && Number.isInteger(part) && !Number.isSafeInteger(part)) {
      refuse('id', id, 'A number is not exact beyond 2^53: give a text or a bigint')
    }
  }
  return JSON.stringify(id, (_, value) => (typeof value === 'bigint' ? String(value) : value))
}

/**
 * The arguments of the SQL function history(), for adapters whose host writes queries of its own.
 *
 * @returns the table's name, and the row's key if there is one.
 * @throws UsageError where the id names no row.
 */
export function historyArguments(
  table: string | TableName,
  ...id: readonly [RowId?]
): readonly string[] {
  const name = quoteTable(parseTable(table))
  if (id.length === 0) return [name]
  const json = rowIdJson(id[0])
  const parts: unknown[] = Object.values(Object(id[0]))
  // the text of a single key, or the JSON of a composite one
  const [single = id[0]] = typeof id[0] === 'object' && parts.length === 1 ? parts : []
  return [name, typeof single === 'object' ? json : String(single)]
}

/**
 * A time as PostgreSQL is to read it, whatever the time zone of its session.
 *
 * @param name Of the filter that it is of, for the message.
 * @throws UsageError where it is neither a Date nor ISO 8601.
 */
export function timeText(name: string, time: Date | string): string {
  return (
    momentText(time) ??
    refuse(name, time, 'Give a Date, or ISO 8601 such as 2026-11-01T12:00:00.123456Z')
  )
}

/** A Date or ISO 8601 as PostgreSQL reads it; undefined where it is neither. */
export function momentText(time: unknown): string | undefined {
  if (time instanceof Date && !Number.isNaN(time.getTime())) return time.toISOString()
  // PostgreSQL also takes 'yesterday' and assumes the session's zone; a program means a moment
  if (typeof time !== 'string' || !/^\d{4,6}-\d\d-\d\d/.test(time)) return undefined
  return /^\S+?([T ][\d:.]+)?$/.test(time) && !/[zZ]$|[T ].*[+-]/.test(time) ? `${time} UTC` : time
}

function refuse(name: string, value: unknown, remedy: string): never {
  const shown = value instanceof Date ? 'an invalid Date' : (JSON.stringify(value) ?? String(value))
  throw new UsageError(`The filter ${name}: ${shown} cannot be used. ${remedy}.`)
}

import { parseTable, quoteTable, type TableName } from '../declare/table.js'
import { UsageError } from '../errors.js'
import { checkFlag, checkOptions } from '../options.js'
import { type Queryable, rowsOf, streamOf } from '../queryable.js'
import type { Row } from './event.js'
import { type RowId, rowIdJson } from './filter.js'
import { type Moment, momentValues, refusedMoment } from './moment.js'
import {
  type KnownPasts,
  type Past,
  type PastDetails,
  pastOf,
  type RowOfThen,
  rowsText,
  toRow,
} from './past.js'
import { type KnownRows, type PendingRows, pendingRows } from './pending.js'

/** What `rowAsOf` may be told. */
export interface RowAsOfOptions {
  /**
   * Whether to say what is known of the answer, too.
   *
   * @defaultValue `false`
   */
  readonly details?: boolean | undefined
  /**
   * Leaves out what a transaction had done that was still under way.
   *
   * @defaultValue `false`
   */
  readonly consistent?: boolean | undefined
}

/** What `tableAsOf` may be told. */
export interface TableAsOfOptions {
  /**
   * Leaves out what transactions had done that were still under way: half a transfer, say. `false`
   * counts every change whose statement had run.
   *
   * @defaultValue `true`
   */
  readonly consistent?: boolean | undefined
}

/** A row of the past, and what is known of it. */
export interface PastRow<R extends object = Row> extends PastDetails {
  /** Null where there was none. */
  readonly row: R | null
  /**
   * Where there was none, and keys of rows of this table were erased after the moment: when that was done
   * last. The row may have been one of them.
   */
  readonly keysErasedUntil?: string
}

/** The rows of a table at a moment, in the order of the key. Each iteration reads them anew. */
export interface PastRows<R extends object = Row> extends KnownRows<R> {}

/**
 * The same, before it has asked the database: awaited it is the rows with what is known of them;
 * iterated it asks by itself, and the details are there from the first row on.
 */
export interface PendingPastRows<R extends object = Row> extends PendingRows<R> {}

/** Rows of the first page, and of the largest: each page looks through all that happened since. */
const FIRST_PAGE = 500
const LARGEST_PAGE = 8000

/** The row that had this key at that moment; if none had, the one that was given it next. */
export async function rowAsOf<R extends object = Row>(
  queryable: Queryable,
  schema: string,
  pasts: KnownPasts,
  table: string | TableName,
  id: RowId,
  at: Moment,
  options: RowAsOfOptions = {},
): Promise<PastRow<R>> {
  checkOptions('rowAsOf', options, ['details', 'consistent'])
  const { details, consistent = false } = options
  checkFlag('rowAsOf', 'details', details)
  checkFlag('rowAsOf', 'consistent', consistent)
  if (id === undefined) {
    throw new UsageError(
      'The row is named by undefined. Give its key, or read the table with tableAsOf.',
    )
  }
  const name = quoteTable(parseTable(table))
  const known = pasts.get(name)
  const row = known && (await rowThen<R>(queryable, schema, name, known, id, at, consistent))
  if (row) return row
  const past = await pastOf(queryable, schema, table, at, { id, consistent })
  if (past.isPlain) pasts.set(name, past)
  const [found] = await rowsOfThen<R>(queryable, schema, past, [past.objectId ?? ''], true)
  return withDetails(past, found)
}

/** In one statement, by what is known of the table; undefined where that no longer holds, or not then. */
async function rowThen<R extends object>(
  queryable: Queryable,
  schema: string,
  name: string,
  known: Past,
  id: RowId,
  at: Moment,
  consistent: boolean,
): Promise<PastRow<R> | undefined> {
  const values = [name, rowIdJson(id), ...momentValues(at), consistent, known.document]
  const text = rowsText('read/row_then', schema, known)
  const [record] = await rowsOf<unknown>(queryable, text, values).catch((error: unknown) => {
    throw refusedMoment(at, error)
  })
  if (record === undefined) return undefined
  const { row, missing, place } = toRow<R>(known, record)
  const { found, complete, since, keys_erased_until: keysErasedUntil } = JSON.parse(place)
  const past: Past = { ...known, complete, completeRows: complete, since, keysErasedUntil }
  return withDetails(past, found ? { row, missing, place } : undefined)
}

/** A row that was found, or none, and what is known of it. */
export function withDetails<R extends object>(
  past: Past,
  found: RowOfThen<R> | undefined,
): PastRow<R> {
  if (!found) {
    const { keysErasedUntil } = past
    return { row: null, ...detailsOf(past), ...(keysErasedUntil !== null && { keysErasedUntil }) }
  }
  return {
    row: found.row,
    complete: past.completeRows && found.missing.every((name) => past.unrecorded.includes(name)),
    since: past.since,
    approximate: [...new Set([...past.approximate, ...found.missing])],
  }
}

/** The rows with these object_ids at a moment. */
export async function rowsOfThen<R extends object>(
  queryable: Queryable,
  schema: string,
  past: Past,
  ids: readonly string[],
  follow: boolean,
): Promise<readonly RowOfThen<R>[]> {
  if (ids.length === 0) return []
  const { trackedId, relation, moment, document } = past
  const values = [trackedId, relation, moment, document, JSON.stringify(ids), follow]
  const records = await rowsOf<unknown>(
    queryable,
    rowsText('read/past_rows_of', schema, past),
    values,
  )
  return records.map((record) => toRow<R>(past, record))
}

/** The rows of a table at a moment. */
export function tableAsOf<R extends object = Row>(
  queryable: Queryable,
  schema: string,
  table: string | TableName,
  at: Moment,
  options: TableAsOfOptions = {},
): PendingPastRows<R> {
  checkOptions('tableAsOf', options, ['consistent'])
  const { consistent = true } = options
  checkFlag('tableAsOf', 'consistent', consistent)
  momentValues(at) // refused at once
  return pendingRows(
    'tableAsOf',
    () => pastOf(queryable, schema, table, at, { consistent }),
    (past) => rowsAt<R>(queryable, schema, past),
  )
}

function detailsOf({ complete, since, approximate }: Past): PastDetails {
  return { complete, since, approximate }
}

/**
 * Streams where the driver can. Otherwise pages: each is read in a snapshot of its own, but whatever
 * the first one could not see counts as later than the moment in all of them, so they are of one.
 */
async function* rowsAt<R extends object>(
  queryable: Queryable,
  schema: string,
  past: Past,
): AsyncGenerator<R, void, undefined> {
  const text = rowsText('read/past_rows', schema, past)
  const { trackedId, relation, moment, document } = past
  const values = (after: string | null, size: number | null) => [
    trackedId,
    relation,
    moment,
    document,
    after,
    size,
  ]
  const streamed = streamOf(queryable, text, values(null, null))
  if (streamed) {
    for await (const record of streamed) yield toRow<R>(past, record).row
    return
  }
  let size = FIRST_PAGE
  // behind the rows that have a place in the order of the key come those that have none
  for (const start of past.ordered ? [null] : [null, '""']) {
    let after: string | null = start
    let isLast: boolean
    do {
      const records: readonly unknown[] = await rowsOf(queryable, text, values(after, size))
      for (const record of records) {
        const { row, place } = toRow<R>(past, record)
        after = place
        yield row
      }
      isLast = records.length < size
      size = Math.min(size * 2, LARGEST_PAGE)
    } while (!isLast)
  }
}

import { isDeepStrictEqual } from 'node:util'
import type { TableName } from '../declare/table.js'
import { UsageError } from '../errors.js'
import { checkFlag, checkOptions } from '../options.js'
import { type Queryable, rowsOf } from '../queryable.js'
import { render } from '../sql/template.js'
import { type PastRow, rowsOfThen, type TableAsOfOptions, withDetails } from './as-of.js'
import type { Row } from './event.js'
import type { RowId } from './filter.js'
import { type Moment, momentValues } from './moment.js'
import { type Past, type PastDetails, pastOf } from './past.js'
import { type KnownRows, type PendingRows, pendingRows } from './pending.js'

/** The columns that differ, by their names at the second moment. Null where the row was not there. */
export type ColumnChanges<R extends object = Row> = {
  readonly [column in keyof R]?: { readonly from: R[column] | null; readonly to: R[column] | null }
}

/** How a row differs between two moments. */
export interface RowComparison<R extends object = Row> {
  /** Empty where nothing differs. */
  readonly changes: ColumnChanges<R>
  /** Whether the log knows all of both. */
  readonly complete: boolean
}

/** A row of a table that differs between two moments. */
export interface RowDifference<R extends object = Row> {
  /** The row's key as events have it, at the second moment if it was still there. */
  readonly id: string
  readonly kind: 'insert' | 'update' | 'delete'
  readonly changes: ColumnChanges<R>
}

/** The rows that differ, with what is known of both moments. Each iteration reads them anew. */
export interface RowDifferences<R extends object = Row> extends KnownRows<RowDifference<R>> {}

/**
 * The same, before it has asked the database: awaited it is the differences with what is known of
 * them; iterated it asks by itself, and the details are there from the first one on.
 */
export interface PendingRowDifferences<R extends object = Row>
  extends PendingRows<RowDifference<R>> {}

interface BothPasts {
  readonly earlier: Past
  readonly later: Past
}

interface ChangedKey {
  readonly place: string
  readonly from_id: string | null
  readonly to_id: string | null
}

const PAGE_SIZE = 200

/**
 * What differs in a row: the one that had this key at the first moment, wherever its key went; else
 * the one that had it at the second, or was given it next.
 */
export async function compareRow<R extends object>(
  queryable: Queryable,
  schema: string,
  table: string | TableName,
  id: RowId,
  from: Moment,
  to: Moment,
  options: TableAsOfOptions = {},
): Promise<RowComparison<R>> {
  if (id === undefined) {
    throw new UsageError(
      'The row is named by undefined. Give its key, or compare the table: compare(table, from, to).',
    )
  }
  const { earlier, later } = await bothPasts(queryable, schema, table, from, to, options, id)
  const { objectId } = later
  const wanted = [objectId ?? '']
  let [before] = await rowsOfThen<R>(queryable, schema, earlier, wanted, false)
  let after: typeof before
  if (before) {
    const [moved] = await rowsOf<{ id: string | null }>(queryable, render('read/key_at', schema), [
      earlier.trackedId,
      objectId,
      earlier.moment,
      later.moment,
    ])
    const ids = moved?.id == null ? [] : [moved.id]
    ;[after] = await rowsOfThen<R>(queryable, schema, later, ids, false)
  } else {
    ;[before] = await rowsOfThen<R>(queryable, schema, earlier, wanted, true)
    ;[after] = await rowsOfThen<R>(queryable, schema, later, wanted, true)
  }
  const rows = [withDetails(earlier, before), withDetails(later, after)] as const
  return {
    changes: changesBetween<R>(later, ...rows),
    complete: rows.every(({ complete }) => complete),
  }
}

/** The rows of a table that differ: only what has events between the two moments is looked at. */
export function compareTable<R extends object>(
  queryable: Queryable,
  schema: string,
  table: string | TableName,
  from: Moment,
  to: Moment,
  options: TableAsOfOptions = {},
): PendingRowDifferences<R> {
  return pendingRows(
    'compare',
    async () => {
      const pasts = await bothPasts(queryable, schema, table, from, to, options)
      return { ...pasts, ...detailsOfBoth(pasts), columns: pasts.later.columns }
    },
    (pasts) => differences<R>(queryable, schema, pasts),
  )
}

async function* differences<R extends object>(
  queryable: Queryable,
  schema: string,
  { earlier, later }: BothPasts,
): AsyncGenerator<RowDifference<R>, void, undefined> {
  let after: string | null = null
  let keys: readonly ChangedKey[]
  // page by page also where the driver streams: a stream keeps its connection, and the rows need another
  do {
    const values = [earlier.trackedId, earlier.moment, later.moment, after, PAGE_SIZE]
    keys = await rowsOf<ChangedKey>(queryable, render('read/changed_keys', schema), values)
    const before = await rowsById<R>(queryable, schema, earlier, ids(keys, 'from_id'))
    const behind = await rowsById<R>(queryable, schema, later, ids(keys, 'to_id'))
    for (const { place, from_id, to_id } of keys) {
      after = place
      const rows = [before.get(from_id ?? ''), behind.get(to_id ?? '')] as const
      const changes = changesBetween<R>(
        later,
        withDetails(earlier, rows[0]),
        withDetails(later, rows[1]),
      )
      if (Object.keys(changes).length === 0) continue
      const kind = rows[0] ? (rows[1] ? 'update' : 'delete') : 'insert'
      yield { id: String(rows[1] ? to_id : from_id), kind, changes }
    }
  } while (keys.length === PAGE_SIZE)
}

/** The table at both moments, under the column names of the second. */
async function bothPasts(
  queryable: Queryable,
  schema: string,
  table: string | TableName,
  from: Moment,
  to: Moment,
  options: TableAsOfOptions,
  id?: RowId,
): Promise<BothPasts> {
  checkOptions('compare', options, ['consistent'])
  const { consistent = true } = options
  checkFlag('compare', 'consistent', consistent)
  momentValues(from)
  const asked = id === undefined ? { consistent } : { consistent, id }
  const later = await pastOf(queryable, schema, table, to, asked)
  const earlier = await pastOf(queryable, schema, table, from, { ...asked, namedAt: later })
  return { earlier, later }
}

/** What is known of both. */
function detailsOfBoth({ earlier, later }: BothPasts): PastDetails {
  const sinces = [earlier.since, later.since]
  return {
    complete: earlier.complete && later.complete,
    // ISO 8601 of one form, so that texts compare as times
    since: sinces.includes(null) ? null : String(sinces.sort().at(-1)),
    approximate: [...new Set([...earlier.approximate, ...later.approximate])],
  }
}

function ids(keys: readonly ChangedKey[], name: 'from_id' | 'to_id'): readonly string[] {
  return keys.flatMap((key) => key[name] ?? [])
}

async function rowsById<R extends object>(
  queryable: Queryable,
  schema: string,
  past: Past,
  wanted: readonly string[],
) {
  const rows = await rowsOfThen<R>(queryable, schema, past, wanted, false)
  return new Map(rows.map((row) => [row.place, row]))
}

/** A column that is not known of one of the two is in neither. */
function changesBetween<R extends object>(
  past: Past,
  { row: before }: PastRow<R>,
  { row: after }: PastRow<R>,
): ColumnChanges<R> {
  const changes: Record<string, { from: unknown; to: unknown }> = {}
  for (const name of past.columns as readonly (keyof R & string)[]) {
    // its own: every object has a constructor
    if ((before && !Object.hasOwn(before, name)) || (after && !Object.hasOwn(after, name))) continue
    const from = before ? before[name] : null
    const to = after ? after[name] : null
    if (Boolean(before) !== Boolean(after) || !isDeepStrictEqual(from, to)) {
      changes[name] = { from, to }
    }
  }
  return changes as ColumnChanges<R>
}

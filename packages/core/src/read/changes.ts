import { UsageError } from '../errors.js'
import { checkFlag, checkOptions, show } from '../options.js'
import { type Queryable, rowsOf, streamOf } from '../queryable.js'
import { render } from '../sql/template.js'
import { type ColumnTypes, decodePairs } from './decode.js'
import type { Row } from './event.js'
import { checkLimit } from './filter.js'
import { referenceLabels } from './label.js'

/** Whose changes to sum up: one of these. */
export type ChangesOf =
  /** `transactionId` of an event. */
  | { readonly transaction: string }
  /** The uuid of the outermost context: everything that one request or job did. */
  | { readonly root: string }
  /** `request_id` in the metadata: a claim of the client, possibly of several requests. */
  | { readonly request: string }
  /** The uuid of one context. */
  | { readonly context: string }

/** What `changes` may be told. */
export interface ChangesOptions {
  /**
   * Also what people call the rows, and those that they refer to.
   *
   * @defaultValue `true`
   */
  readonly labels?: boolean | undefined
  /** At most so many rows. */
  readonly limit?: number | undefined
}

/** What was done to one row in the end, whatever happened to it on the way. */
export interface RowChange<R extends object = Row> {
  readonly schema: string
  readonly table: string
  /** The key as text; null for a truncation, and without a primary key. */
  readonly objectId: string | null
  /** Where the key was changed: the key before. */
  readonly oldObjectId: string | null
  /** What people call the row; null where its table declares no label. */
  readonly label: string | null
  /** `truncate` stands for itself, and for what had been done to rows of the table before. */
  readonly operation: 'insert' | 'update' | 'delete' | 'truncate'
  /** First old and last new value of each column that differs; int8 and numeric are strings. */
  readonly changes: { readonly [column in keyof R]?: NetChange }
  /** Columns that changed and whose values are stored nowhere. */
  readonly masked: readonly string[]
  /** Whether the row changed in a way that JSON cannot tell, such as SQL NULL to JSON null. */
  readonly lossy: boolean
  /** The ids of its events, in their order. */
  readonly events: readonly string[]
  /** ISO 8601 in UTC, to the microsecond. */
  readonly firstAt: string
  readonly lastAt: string
  /** Each actor once, the first one first: claims of the application. */
  readonly userIds: readonly string[]
  readonly changeReasons: readonly string[]
}

/** From which value to which. */
export interface NetChange {
  readonly from: unknown
  readonly to: unknown
  /**
   * Of a foreign key to a table that declares a label: what people call the row that it referred to, or
   * null; missing where neither row has a label.
   */
  readonly fromLabel?: string | null
  /** The same, of the row that it refers to since. */
  readonly toLabel?: string | null
}

interface ChangeRow {
  readonly schema_name: string
  readonly table_name: string
  readonly object_id: string | null
  readonly old_object_id: string | null
  readonly label: string | null
  readonly operation: RowChange['operation']
  readonly changes: string
  readonly from_labels: string | null
  readonly to_labels: string | null
  readonly masked: string | null
  readonly lossy: number
  readonly user_ids: string
  readonly change_reasons: string
  readonly first_at: string
  readonly last_at: string
  readonly events: string
  readonly column_types: string | null
}

/** All of it is found anew for each page: few large ones. */
const PAGE_SIZE = 10_000
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
const kinds: Readonly<Record<string, RegExp>> = {
  transaction: /^\d{1,19}$/,
  root: UUID,
  request: /^/,
  context: UUID,
}

/**
 * What a transaction, a request or a job changed in the end, row by row, in the order of the first
 * change. Streams where the driver can, otherwise reads pages.
 */
export async function* changes<R extends object = Row>(
  queryable: Queryable,
  schema: string,
  of: ChangesOf,
  options: ChangesOptions = {},
): AsyncGenerator<RowChange<R>, void, undefined> {
  checkOptions('changes', options, ['labels', 'limit'])
  const { labels = true, limit } = options
  checkFlag('changes', 'labels', labels)
  let left = limit === undefined ? Number.POSITIVE_INFINITY : checkLimit(limit)
  const text = render('read/changes', schema)
  const values = (after: string, size: number | null) => [
    ...scopeValues(of),
    String(labels),
    after,
    size,
  ]
  const stream = streamOf(queryable, text, values('0', limit ?? null))
  if (stream) {
    for await (const row of stream) yield toChange<R>(row as ChangeRow)
    return
  }
  let after = '0'
  let size: number
  let rows: readonly ChangeRow[]
  do {
    size = Math.min(left, PAGE_SIZE)
    rows = await rowsOf<ChangeRow>(queryable, text, values(after, size))
    for (const row of rows) {
      const change = toChange<R>(row)
      after = String(change.events[0])
      yield change
    }
    left -= rows.length
  } while (rows.length === size && left > 0)
}

function scopeValues(of: ChangesOf): (string | null)[] {
  const given: [string, unknown][] = typeof of === 'object' && of !== null ? Object.entries(of) : []
  const [[kind, value] = ['', undefined]] = given
  if (given.length !== 1 || typeof value !== 'string' || !kinds[kind]?.test(value)) {
    throw new UsageError(
      `changes was asked for ${show(of)}. Give one of { transaction }, { root }, { request } and { context }, as text, with an id as events carry it.`,
    )
  }
  return Object.keys(kinds).map((name) => (name === kind ? value : null))
}

function toChange<R extends object>(row: ChangeRow): RowChange<R> {
  return {
    schema: row.schema_name,
    table: row.table_name,
    objectId: row.object_id,
    oldObjectId: row.old_object_id,
    label: row.label,
    operation: row.operation,
    changes: toNetChanges(row) as RowChange<R>['changes'],
    masked: JSON.parse(row.masked ?? '[]'),
    lossy: Number(row.lossy) === 1,
    events: JSON.parse(row.events),
    firstAt: row.first_at,
    lastAt: row.last_at,
    userIds: JSON.parse(row.user_ids),
    changeReasons: JSON.parse(row.change_reasons),
  }
}

function toNetChanges(row: ChangeRow): Record<string, NetChange> {
  const types: ColumnTypes = JSON.parse(row.column_types ?? '{}') ?? {}
  const pairs = decodePairs(row.changes, types, ['from', 'to'])
  const before = referenceLabels(row.from_labels)
  const behind = referenceLabels(row.to_labels)
  return Object.fromEntries(
    Object.entries(pairs).map(([column, pair]) => {
      if (!(column in before) && !(column in behind)) return [column, pair]
      const { [column]: fromLabel = null } = before
      const { [column]: toLabel = null } = behind
      return [column, { ...pair, fromLabel, toLabel }]
    }),
  )
}

import { parseTable, quoteTable, type TableName } from '../declare/table.js'
import { checkFlag, checkOptions } from '../options.js'
import { type Queryable, rowsOf } from '../queryable.js'
import { render } from '../sql/template.js'
import { decodeValue } from './decode.js'
import type { AuditEvent } from './event.js'
import { type RowId, rowIdJson } from './filter.js'
import { type ReferenceLabels, referenceLabels } from './label.js'

/** Who gave a column its present value, and why. */
export interface BlameLine {
  /** Null in the first line of a row that is gone: its deletion. */
  readonly column: string | null
  /** The value; null also where the column is masked. int8 and numeric are strings. */
  readonly value: unknown
  /**
   * With `labels`, of a foreign key to a table that declares a label: what people call the row that it
   * refers to; null for any other column.
   */
  readonly label?: string | null
  /** ISO 8601 in UTC, to the microsecond; null where the value is older than what the log has. */
  readonly changedAt: string | null
  /**
   * Where that is null, and events of the table were purged: until when. The change may have been among
   * them.
   */
  readonly purgedUntil: string | null
  readonly userId: string | null
  readonly changeReason: string | null
  readonly source: string | null
  /** `snapshot` where the value is older than the log, and was recorded by `backfill`. */
  readonly operation: AuditEvent['operation'] | null
  readonly dbUser: string | null
  /** Whether it is known that the column changed, and not to what. */
  readonly masked: boolean
  /** Whether that is so because the value was erased since. */
  readonly erased: boolean
  readonly eventId: string | null
  /** The uuid of the context; null where somebody forged the link to it. */
  readonly contextId: string | null
}

interface BlameRow {
  readonly column_name: string | null
  readonly value: string | null
  readonly changed_at: string | null
  readonly user_id: string | null
  readonly change_reason: string | null
  readonly source: string | null
  readonly operation: AuditEvent['operation'] | null
  readonly db_user: string | null
  readonly masked: number
  readonly erased: number
  readonly event_id: string | null
  readonly context_uuid: string | null
  readonly purged_until: string | null
  readonly column_type: string | null
}

/** What `blame` may be told. */
export interface BlameOptions {
  /** Only this column. */
  readonly column?: string | undefined
  /**
   * Also what people call the rows that foreign keys refer to.
   *
   * @defaultValue `false`
   */
  readonly labels?: boolean | undefined
}

/** For each column of a row, or for one, the change that gave it its present value; latest first. */
export async function blame(
  queryable: Queryable,
  schema: string,
  table: string | TableName,
  id: RowId,
  options: BlameOptions = {},
): Promise<readonly BlameLine[]> {
  checkOptions('blame', options, ['column', 'labels'])
  const { column, labels = false } = options
  checkFlag('blame', 'labels', labels)
  const name = quoteTable(parseTable(table))
  const linesOf = (wanted: string | null) =>
    rowsOf<BlameRow>(queryable, render('read/blame', schema), [name, rowIdJson(id), wanted])
  const rows = await linesOf(column ?? null)
  // one part of a composite foreign key alone names no row
  const whole = labels && column !== undefined ? await linesOf(null) : rows
  const known = labels ? await labelsOf(queryable, schema, name, whole) : undefined
  return rows.map((row) => ({
    column: row.column_name,
    value: decodeValue(row.value, row.column_type),
    ...(known && { label: known[row.column_name ?? ''] ?? null }),
    changedAt: row.changed_at,
    purgedUntil: row.purged_until,
    userId: row.user_id,
    changeReason: row.change_reason,
    source: row.source,
    operation: row.operation,
    dbUser: row.db_user,
    masked: Number(row.masked) === 1,
    erased: Number(row.erased) === 1,
    eventId: row.event_id,
    contextId: row.context_uuid,
  }))
}

async function labelsOf(
  queryable: Queryable,
  schema: string,
  table: string,
  rows: readonly BlameRow[],
): Promise<ReferenceLabels> {
  // the values are JSON already, and may hold numbers that JavaScript would round
  const members = rows.flatMap(({ column_name: name, value }) =>
    name === null || value === null ? [] : `${JSON.stringify(name)}: ${value}`,
  )
  const values = [table, `{${members.join(', ')}}`]
  const [row] = await rowsOf<{ labels: string | null }>(
    queryable,
    render('read/blame_labels', schema),
    values,
  )
  return referenceLabels(row?.labels)
}

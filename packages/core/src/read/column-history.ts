import { parseTable, quoteTable, type TableName } from '../declare/table.js'
import { UsageError } from '../errors.js'
import { type Queryable, rowsOf } from '../queryable.js'
import { render } from '../sql/template.js'
import { decodeValue } from './decode.js'
import type { AuditEvent } from './event.js'
import { type RowId, rowIdJson } from './filter.js'

/** A value that a column had, from when to when, and who gave it to it. */
export interface ColumnValue {
  /** Null also where the column is masked. int8 and numeric are strings. */
  readonly value: unknown
  /** ISO 8601 in UTC, to the microsecond; null where the value is older than the log. */
  readonly since: string | null
  /** Null where it is the present value. */
  readonly until: string | null
  readonly eventId: string | null
  readonly operation: AuditEvent['operation'] | null
  readonly userId: string | null
  readonly changeReason: string | null
  readonly source: string | null
  readonly dbUser: string | null
  /** Whether it is known that the column changed, and not to what. */
  readonly masked: boolean
  /** Whether that is so because the value was erased since. */
  readonly erased: boolean
}

interface ColumnValueRow {
  readonly value: string | null
  readonly since: string | null
  readonly until: string | null
  readonly event_id: string | null
  readonly operation: AuditEvent['operation'] | null
  readonly user_id: string | null
  readonly change_reason: string | null
  readonly source: string | null
  readonly db_user: string | null
  readonly masked: number
  readonly erased: number
  readonly column_type: string | null
}

/** The values that a column of a row had, oldest first. */
export async function columnHistory(
  queryable: Queryable,
  schema: string,
  table: string | TableName,
  id: RowId,
  column: string,
): Promise<readonly ColumnValue[]> {
  if (typeof column !== 'string' || column === '') {
    throw new UsageError(
      `The column is ${JSON.stringify(column) ?? String(column)}. Give the name of a column that the table has or had.`,
    )
  }
  const values = [quoteTable(parseTable(table)), rowIdJson(id), column]
  const rows = await rowsOf<ColumnValueRow>(
    queryable,
    render('read/column_history', schema),
    values,
  )
  return rows.map((row) => ({
    value: decodeValue(row.value, row.column_type),
    since: row.since,
    until: row.until,
    eventId: row.event_id,
    operation: row.operation,
    userId: row.user_id,
    changeReason: row.change_reason,
    source: row.source,
    dbUser: row.db_user,
    masked: Number(row.masked) === 1,
    erased: Number(row.erased) === 1,
  }))
}

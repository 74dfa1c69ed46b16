import { parseTable, quoteTable, type TableName } from '../declare/table.js'
import { UsageError } from '../errors.js'
import { type Queryable, rowsOf } from '../queryable.js'
import { render } from '../sql/template.js'
import { decodeValue } from './decode.js'
import type { AuditEvent } from './event.js'
import { type RowId, rowIdJson } from './filter.js'

/** Who gave a column its present value, and why. */
export interface BlameLine {
  /** Null in the first line of a row that is gone: its deletion. */
  readonly column: string | null
  /** The value; null also where the column is masked. int8 and numeric are strings. */
  readonly value: unknown
  /** ISO 8601 in UTC, to the microsecond; null where the value is older than the log. */
  readonly changedAt: string | null
  readonly userId: string | null
  readonly changeReason: string | null
  readonly source: string | null
  readonly operation: AuditEvent['operation'] | null
  readonly dbUser: string | null
  readonly masked: boolean
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
  readonly event_id: string | null
  readonly context_uuid: string | null
  readonly column_type: string | null
}

/** For each column of a row, or for one, the change that gave it its present value; latest first. */
export async function blame(
  queryable: Queryable,
  schema: string,
  table: string | TableName,
  id: RowId,
  options: { readonly column?: string | undefined } = {},
): Promise<readonly BlameLine[]> {
  const { column, ...unknown } = typeof options === 'object' ? options : { options }
  for (const name of Object.keys(unknown)) {
    throw new UsageError(`blame has no option "${name}". Give { column: 'status' }, or nothing.`)
  }
  const values = [quoteTable(parseTable(table)), rowIdJson(id), column ?? null]
  const rows = await rowsOf<BlameRow>(queryable, render('read/blame', schema), values)
  return rows.map((row) => ({
    column: row.column_name,
    value: decodeValue(row.value, row.column_type),
    changedAt: row.changed_at,
    userId: row.user_id,
    changeReason: row.change_reason,
    source: row.source,
    operation: row.operation,
    dbUser: row.db_user,
    masked: Number(row.masked) === 1,
    eventId: row.event_id,
    contextId: row.context_uuid,
  }))
}

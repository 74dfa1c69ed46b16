import { type ColumnTypes, decodePairs, decodeRow } from './decode.js'

/** A row of a tracked table, by column. Types as {@link AuditEvent} says. */
export type Row = Record<string, unknown>

/** What a change did to one column. */
export interface ValueChange {
  readonly old: unknown
  readonly new: unknown
  /**
   * With `labels`, of a foreign key to a table that declares a label: what people call the row that it
   * referred to, or null; missing where neither row has a label.
   */
  readonly oldLabel?: string | null
  /** The same, of the row that it refers to since. */
  readonly newLabel?: string | null
}

/** One change of one row, as the database recorded it. Ids are strings. */
export interface AuditEvent<R extends object = Row> {
  /** The order of events within a row, whatever the clock does. */
  readonly id: string
  /** ISO 8601 in UTC, to the microsecond. */
  readonly changedAt: string
  readonly operation: 'insert' | 'update' | 'delete' | 'truncate' | 'snapshot'
  readonly schema: string
  readonly table: string
  /** The key as text, a composite one as the text of a JSON array; null without a primary key. */
  readonly objectId: string | null
  /**
   * With `labels`: what people call the row, as the event has it; null where its table declares no
   * label.
   */
  readonly label?: string | null
  /** Where the change was one of the key itself: the key before. */
  readonly oldObjectId: string | null
  /** What the application claimed. */
  readonly userId: string | null
  /** The same, of the metadata: why. */
  readonly changeReason: string | null
  /** The same: from where. */
  readonly source: string | null
  /** The row before; with `image: 'changed'` only what is known of it. int8 and numeric are strings. */
  readonly old: Partial<R> | null
  /** The row after. */
  readonly new: Partial<R> | null
  readonly diff: { readonly [column in keyof R]?: ValueChange }
  /** Columns that changed and whose values are stored nowhere. */
  readonly masked: readonly string[]
  /** The columns declared as `meta`. */
  readonly meta: Row | null
  /** The role that was logged in: a fact. */
  readonly dbUser: string
  /** Names the transaction for good; null where somebody forged the link to the context. */
  readonly transactionId: string | null
  readonly context: EventContext | null
  /** Declared columns that the row no longer had when it was written. */
  readonly drift: readonly string[]
  /** Columns whose values were erased afterwards. */
  readonly redacted: readonly string[]
  /** Whether the row changed in a way that JSON cannot tell, such as SQL NULL to JSON null. */
  readonly lossy: boolean
}

/** Who, why and from where. Metadata and application name are claims, the address is a fact. */
export interface EventContext {
  readonly id: string
  readonly rootId: string
  /** Null where the application gave none. */
  readonly metadata: Row | null
  readonly applicationName: string | null
  /** Null on a unix socket. */
  readonly clientAddr: string | null
  /** Why the context that the application gave could not be stored. */
  readonly error: string | null
}

/** A row of sql/read/events.sql. */
export interface EventRow {
  readonly id: string
  readonly changed_at: string
  readonly operation: AuditEvent['operation']
  readonly schema_name: string
  readonly table_name: string
  readonly object_id: string | null
  readonly old_object_id: string | null
  readonly user_id: string | null
  readonly old_data: string | null
  readonly new_data: string | null
  readonly diff: string | null
  readonly meta: string | null
  readonly masked: string | null
  readonly drift: string | null
  readonly redacted: string | null
  readonly lossy: number
  readonly db_user: string
  readonly transaction_id: string | null
  readonly context_uuid: string | null
  readonly root_uuid: string | null
  readonly metadata: string | null
  readonly application_name: string | null
  readonly client_addr: string | null
  readonly context_error: string | null
  readonly column_types: string | null
}

export function toEvent<R extends object>(row: EventRow): AuditEvent<R> {
  const types: ColumnTypes = JSON.parse(row.column_types ?? '{}') ?? {}
  const context = toContext(row)
  return {
    id: row.id,
    changedAt: row.changed_at,
    operation: row.operation,
    schema: row.schema_name,
    table: row.table_name,
    objectId: row.object_id,
    oldObjectId: row.old_object_id,
    userId: row.user_id,
    changeReason: textOrNull(context?.metadata?.change_reason),
    source: textOrNull(context?.metadata?.source),
    old: decodeRow(row.old_data, types) as Partial<R> | null,
    new: decodeRow(row.new_data, types) as Partial<R> | null,
    diff: decodePairs(row.diff, types, ['old', 'new']) as AuditEvent<R>['diff'],
    masked: names(row.masked),
    meta: decodeRow(row.meta, types),
    dbUser: row.db_user,
    transactionId: row.transaction_id,
    context,
    drift: names(row.drift),
    redacted: names(row.redacted),
    lossy: Number(row.lossy) === 1,
  }
}

function textOrNull(value: unknown): string | null {
  return value === undefined || value === null ? null : String(value)
}

function toContext(row: EventRow): EventContext | null {
  if (row.context_uuid === null || row.root_uuid === null) return null
  return {
    id: row.context_uuid,
    rootId: row.root_uuid,
    metadata: decodeRow(row.metadata, {}),
    applicationName: row.application_name,
    clientAddr: row.client_addr,
    error: row.context_error,
  }
}

function names(json: string | null): readonly string[] {
  return json === null ? [] : (JSON.parse(json) ?? [])
}

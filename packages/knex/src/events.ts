import { type RowId, type TableName, UsageError } from '@auditrum/core'
import { historyArguments, quoteTable, timeText } from '@auditrum/core/adapter'
import type { Knex } from 'knex'

/** A row of the view auditlog, as node-postgres returns it: numbers in its JSON are those of JavaScript. */
export interface AuditLogRow {
  readonly id: string
  readonly changed_at: Date
  readonly operation: 'insert' | 'update' | 'delete' | 'truncate' | 'snapshot'
  readonly schema_name: string
  readonly table_name: string
  /** The key as text, a composite one as the text of a JSON array. */
  readonly object_id: string | null
  readonly old_object_id: string | null
  readonly user_id: string | null
  readonly old_data: Readonly<Record<string, unknown>> | null
  readonly new_data: Readonly<Record<string, unknown>> | null
  readonly diff: Readonly<Record<string, { readonly old: unknown; readonly new: unknown }>> | null
  readonly change_reason: string | null
  readonly source: string | null
  readonly db_user: string
  readonly client_addr: string | null
  readonly application_name: string | null
  readonly transaction_id: string | null
  readonly context_id: string | null
  readonly context_uuid: string | null
  readonly root_uuid: string | null
  readonly metadata: Readonly<Record<string, unknown>> | null
  readonly context_error: string | null
  readonly meta: Readonly<Record<string, unknown>> | null
  readonly masked: readonly string[] | null
  readonly drift: readonly string[] | null
  readonly redacted: readonly string[] | null
  readonly image: 'full' | 'changed' | 'key'
  readonly lossy: boolean
  readonly txid: string
  readonly table_id: number
}

/**
 * A query on the log, which is `auditlog` in it. Its own methods come first: what Knex's return does not
 * know them.
 */
export interface EventQuery extends Knex.QueryBuilder<AuditLogRow, AuditLogRow[]> {
  /** The events of one table, by its name of now or then. */
  forTable(table: string | TableName): EventQuery
  /** Those of one row of that table, back through changes of its key. */
  forId(id: RowId): EventQuery
  /** Those whose context names this user. */
  byUser(user: string | number | bigint): EventQuery
  /** Those from this time on: a Date, or ISO 8601, in UTC where it names no zone. */
  since(time: Date | string): EventQuery
  clone(): EventQuery
}

/** The log as a query of Knex's own, to be filtered, joined, counted and paged like any other. */
export function eventsOf(knex: Knex, schema: string): EventQuery {
  // as text: Knex would read "a as b" and dots into a name, and mappers would rename it
  const inLog = (name: string) => quoteTable({ schema, table: name })
  return extended(knex.from(knex.raw(`${inLog('auditlog')} as "auditlog"`)))

  function extended(builder: Knex.QueryBuilder, table?: string | TableName): EventQuery {
    let known = table
    const { clone } = builder
    const fromHistory = (args: readonly string[]) => {
      const places = args.map(() => '?').join(', ')
      builder.from(knex.raw(`${inLog('history')}(${places}) as "auditlog"`, args))
    }
    return Object.assign(builder, {
      forTable(name: string | TableName) {
        fromHistory(historyArguments(name))
        known = name
        return builder
      },
      forId(id: RowId) {
        if (known === undefined) {
          throw new UsageError(
            `forId(${JSON.stringify(String(id))}) names a row of no table. Call forTable() before it.`,
          )
        }
        fromHistory(historyArguments(known, id))
        return builder
      },
      byUser: (user: string | number | bigint) =>
        builder.whereRaw('"auditlog"."user_id" = ?', [checkedUser(user)]),
      since: (time: Date | string) =>
        builder.whereRaw('"auditlog"."changed_at" >= ?::timestamptz', [timeText('since', time)]),
      clone: () => extended(clone.call(builder), known),
    }) as unknown as EventQuery
  }
}

function checkedUser(user: unknown): string {
  if (['string', 'number', 'bigint'].includes(typeof user)) return String(user)
  throw new UsageError(
    `byUser(${JSON.stringify(user)}) names no user. Give the user_id of the context.`,
  )
}

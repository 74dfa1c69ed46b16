import { parseTable, quoteTable, type TableName } from '../declare/table.js'
import { UsageError } from '../errors.js'
import { checkOptions, show } from '../options.js'
import { type Queryable, rowsOf } from '../queryable.js'
import { quoteIdentifier } from '../sql/quote.js'

/** Why unrecorded changes are accepted. */
export interface AcceptOptions {
  /** How they came about. It is the reason of the events, and stands in their `meta`, too. */
  readonly reason: string
}

/** How many unrecorded changes were accepted. */
export interface Acceptance {
  /** As `schema.name`. */
  readonly table: string
  readonly inserted: number
  readonly updated: number
  readonly deleted: number
  /** How many are left: call it again. */
  readonly more: number
}

/** Checks what `acceptUnlogged` was given, before anything is written. */
export function checkAcceptance(options: AcceptOptions): string {
  checkOptions('acceptUnlogged', options, ['reason'])
  const { reason } = options
  if (typeof reason !== 'string' || reason.trim() === '') {
    throw new UsageError(
      `acceptUnlogged was given reason: ${show(reason)}. Say how the changes came about, as { reason: 'restored from the backup of 3 May' } does.`,
    )
  }
  return reason
}

/** Takes note of the changes of a table that nobody recorded. */
export async function acceptUnlogged(
  queryable: Queryable,
  schema: string,
  table: string | TableName,
  reason: string,
): Promise<Acceptance> {
  const [row] = await rowsOf<{ done: string }>(
    queryable,
    `SELECT ${quoteIdentifier(schema)}.accept_unlogged($1::regclass, $2)::text AS done`,
    [quoteTable(parseTable(table)), reason],
  )
  return Object.freeze(JSON.parse(row?.done ?? '{}') as Acceptance)
}

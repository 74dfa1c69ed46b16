import { parseTable, quoteTable, type TableName } from '../declare/table.js'
import { type Queryable, rowsOf } from '../queryable.js'
import { quoteIdentifier } from '../sql/quote.js'

/** What `backfill` did. */
export interface Backfill {
  /** How many rows were recorded; none where the log knew all of them. */
  readonly recorded: number
}

/** Records the present rows of a table that the log knows nothing of. */
export async function backfill(
  queryable: Queryable,
  schema: string,
  table: string | TableName,
): Promise<Backfill> {
  const [row] = await rowsOf<{ recorded: string }>(
    queryable,
    `SELECT ${quoteIdentifier(schema)}.backfill($1::regclass)::text AS recorded`,
    [quoteTable(parseTable(table))],
  )
  return { recorded: Number(row?.recorded) }
}

import { type Queryable, rowsOf } from '../queryable.js'
import { quoteIdentifier } from '../sql/quote.js'
import { readCatalogue } from './catalogue.js'

/**
 * Stops recording every table, whoever declared it: drops all triggers and capture functions.
 *
 * @param options.keepLog keep the log and what reads it (default); false drops the schema with all
 *   history in it.
 */
export async function uninstall(
  queryable: Queryable,
  { schema, lockTimeout, keepLog }: { schema: string; lockTimeout: number; keepLog: boolean },
): Promise<void> {
  const { captures, schema: installed } = await readCatalogue(queryable, schema)
  if (!installed) return
  const log = quoteIdentifier(schema)
  const run = (sql: string) => rowsOf(queryable, `SET LOCAL lock_timeout = ${lockTimeout};\n${sql}`)
  for (const { id } of captures) await run(`SELECT ${log}.drop_capture(${id});`)
  if (!keepLog) await run(`DROP SCHEMA ${log} CASCADE;`)
}

import { showTable } from '../declare/table.js'
import { SchemaError, sqlStateOf } from '../errors.js'
import { type Queryable, rowsOf } from '../queryable.js'
import { quoteIdentifier } from '../sql/quote.js'
import { readCatalogue } from './catalogue.js'
import { LOCK_NOT_AVAILABLE, lockProblem } from './lock.js'

/**
 * Stops recording every table, whoever declared it: drops all triggers and capture functions.
 *
 * @param options.keepLog keep the log and what reads it; false drops the schema with all history in
 *   it.
 * @throws SchemaError where a table could not be locked. Run again, it goes on where it stopped.
 */
export async function uninstall(
  queryable: Queryable,
  { schema, lockTimeout, keepLog }: { schema: string; lockTimeout: number; keepLog: boolean },
): Promise<void> {
  const { captures, tables, schema: installed } = await readCatalogue(queryable, schema)
  if (!installed) return
  const log = quoteIdentifier(schema)
  const run = async (name: string, sql: string) => {
    try {
      await rowsOf(queryable, `SET LOCAL lock_timeout = ${lockTimeout};\n${sql}`)
    } catch (error) {
      if (sqlStateOf(error) !== LOCK_NOT_AVAILABLE) throw error
      const lock = { schema, table: name, lockTimeout, attempts: 1, exclusive: true }
      throw new SchemaError(
        `Uninstall stopped: ${name}: ${await lockProblem(queryable, lock)}. Run it again: it goes on where it stopped.`,
        { cause: error },
      )
    }
  }
  for (const { id, table: oid } of captures) {
    const table = oid === null ? undefined : tables[oid]
    const name = table ? showTable(table) : `${schema}.capture_${id}`
    await run(name, `SELECT ${log}.drop_capture(${id});`)
  }
  if (!keepLog) await run(`the schema ${schema}`, `DROP SCHEMA ${log} CASCADE;`)
}

import { showTable, type TableName } from '../declare/table.js'
import type { Queryable } from '../queryable.js'
import { readTableNames } from './catalogue.js'
import type { PlanOptions } from './plan.js'
import { matches, readFor } from './resolve.js'

/**
 * Lists the tables that nobody tracks and nobody waived, as `schema.name`: to be empty in CI, so
 * that a new table is a decision. Waived are tables named by `waive` or in `except` of `trackAll`.
 */
export async function check(
  queryable: Queryable,
  { schema, tables: entries }: PlanOptions,
): Promise<readonly string[]> {
  const catalogue = await readFor(queryable, schema, entries)
  const tracked = catalogue.captures.flatMap(({ table: oid }) => {
    const table = oid === null ? undefined : catalogue.tables[oid]
    return table ? [table] : []
  })
  const waived: readonly TableName[] = entries.flatMap((entry) =>
    entry.kind === 'waive' ? [entry.table] : entry.kind === 'trackAll' ? entry.except : [],
  )
  const names = await readTableNames(queryable, schema)
  return names
    .filter((table) => ![...tracked, ...waived].some((name) => matches(name, table)))
    .map(showTable)
}

import { nearest } from '../declare/nearest.js'
import { parseTable, quoteTable, showTable, type TableName } from '../declare/table.js'
import { UsageError } from '../errors.js'
import { type Queryable, rowsOf } from '../queryable.js'
import { render } from '../sql/template.js'

/** Refuses a table that the log has never known: an empty history would be a wrong answer. */
export async function requireKnown(
  queryable: Queryable,
  schema: string,
  name: string | TableName,
): Promise<void> {
  const table = parseTable(name)
  const [row] = await rowsOf<{ known: number }>(queryable, render('read/known', schema), [
    quoteTable(table),
  ])
  if (Number(row?.known) === 1) return
  const rows = await rowsOf<{ name: string }>(queryable, render('read/known_names', schema), [])
  const near = nearest(
    showTable(table),
    rows.map((each) => each.name),
  )
  throw new UsageError(
    `The log knows no table "${showTable(table)}". ${near ? `Did you mean "${near}"?` : 'Track it, then its history begins.'}`,
  )
}

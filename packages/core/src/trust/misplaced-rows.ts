import { type Queryable, rowsOf } from '../queryable.js'
import { quoteIdentifier } from '../sql/quote.js'
import { render } from '../sql/template.js'
import { unlessDropped } from './unless-dropped.js'
import type { ChainProblem } from './verify-chain.js'
import { ofLog } from './verify-parts.js'

/** Rows that no statement finds where it looks for them, as `misplaced_rows` tells them in SQL. */
export async function misplacedRows(
  queryable: Queryable,
  schema: string,
): Promise<readonly ChainProblem[]> {
  const problems: ChainProblem[] = []
  const places = await rowsOf<{ name: string; condition: string }>(
    queryable,
    render('read/misplaced_conditions', schema),
    [],
  )
  for (const { name, condition } of places) {
    const relation = `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`
    const text = `SELECT EXISTS (SELECT FROM ONLY ${relation} WHERE ${condition})::pg_catalog.text AS found`
    const rows = await unlessDropped(() => rowsOf<{ found: string }>(queryable, text, []))
    if (rows?.[0]?.found === 'true')
      problems.push(
        ofLog(`${name} holds a row that cannot be in it: it has no id, or is of other partitions.`),
      )
  }
  return problems
}

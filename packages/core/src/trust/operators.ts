import { UsageError } from '../errors.js'
import { show } from '../options.js'
import { type Queryable, rowsOf } from '../queryable.js'
import { DEFAULT_SCHEMA, render } from '../sql/template.js'

/**
 * Refuses a connection in which operators need not be PostgreSQL's own: statements that trust nothing of
 * the log qualify functions and types, and find operators by the search_path.
 */
export async function checkOperators(queryable: Queryable): Promise<void> {
  const text = render('read/search_path', DEFAULT_SCHEMA)
  const [row] = await rowsOf<{ schemas: string }>(queryable, text, [])
  const schemas: readonly string[] = JSON.parse(row?.schemas ?? '[]')
  const first = schemas.find((schema) => !schema.startsWith('pg_temp_'))
  if (first === 'pg_catalog') return
  throw new UsageError(
    `The search_path of this connection puts ${show(first)} before pg_catalog, so what is compared there need not be compared by PostgreSQL's own operators. Connect with one that does not name pg_catalog: it comes first then.`,
  )
}

import { UsageError } from '../errors.js'
import { type Queryable, rowsOf } from '../queryable.js'
import { quoteIdentifier } from '../sql/quote.js'

/** What `maintain` did. */
export interface Maintenance {
  /** The names of new partitions. */
  readonly partitions: readonly string[]
  /** Tables whose columns had changed since they were last noted. */
  readonly shapes: readonly string[]
}

/** Makes the partitions of this month and so many after it. */
export async function createPartitions(
  queryable: Queryable,
  schema: string,
  months: number,
): Promise<readonly string[]> {
  if (!Number.isSafeInteger(months) || months < 0) {
    throw new UsageError(
      `Partitions cannot be made ${months} months ahead. Give a number from 0 to 120.`,
    )
  }
  const rows = await rowsOf<{ name: string }>(
    queryable,
    `SELECT name FROM ${quoteIdentifier(schema)}.create_partitions($1::integer) AS name`,
    [months],
  )
  return rows.map(({ name }) => name)
}

/** Partitions ahead, and what is noted of each tracked table. */
export async function maintain(queryable: Queryable, schema: string): Promise<Maintenance> {
  const [row] = await rowsOf<{ done: string }>(
    queryable,
    `SELECT ${quoteIdentifier(schema)}.maintain()::text AS done`,
    [],
  )
  return JSON.parse(row?.done ?? '{}')
}

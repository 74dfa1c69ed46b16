import { type Queryable, rowsOf } from '../queryable.js'
import { quoteIdentifier } from '../sql/quote.js'

/** A partition that is to leave the log. */
export interface Leaving {
  readonly log: string
  readonly partition: string
}

/**
 * Detaches a partition while everybody reads and writes, which takes as long as whoever reads the log
 * now: no lock is held, or waited for, that a write needs. Only a statement of its own can do it, and only
 * the owner of the log may.
 *
 * @returns whether it could; where not, the log is locked for an instant instead.
 */
export async function detachConcurrently(
  queryable: Queryable,
  schema: string,
  { log, partition }: Leaving,
): Promise<boolean> {
  if (await isInTransaction(queryable)) return false
  const name = (table: string) => `${quoteIdentifier(schema)}.${quoteIdentifier(table)}`
  try {
    await rowsOf(
      queryable,
      `ALTER TABLE ${name(log)} DETACH PARTITION ${name(partition)} CONCURRENTLY`,
    )
    return true
  } catch {
    // not the owner, or interrupted half-way: the next step finds out, and finishes it
    return false
  }
}

/** Whether the statements of this Queryable are in a transaction of the caller's, which an error would end. */
async function isInTransaction(queryable: Queryable): Promise<boolean> {
  const ask = async (text: string) => {
    const [row] = await rowsOf<{ id: string | null }>(queryable, text, [])
    return row?.id ?? null
  }
  const id = await ask('SELECT pg_catalog.pg_current_xact_id()::text AS id')
  return (await ask('SELECT pg_catalog.pg_current_xact_id_if_assigned()::text AS id')) === id
}

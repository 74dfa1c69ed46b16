import { isPlainObject } from '../options.js'
import { type Queryable, rowsOf } from '../queryable.js'
import { render } from '../sql/template.js'
import { isLog, parseEntry, timeOfMicroseconds } from './entry.js'

/** When and why a chain began, as its first entry says. */
export interface ChainStart {
  /** ISO 8601 in UTC, to the microsecond, by the clock of the database. */
  readonly at: string
  readonly by: string
  /** Of a chain that took the place of a broken one: why. Else null. */
  readonly reason: string | null
  /** The chain before, in that case: the uuid of its log, if it still had one, and how many entries were left. */
  readonly former: { readonly log: string | null; readonly entries: number } | null
}

/** What the first entry says; null where there is none, or it is another kind of entry. */
export async function chainStart(queryable: Queryable, schema: string): Promise<ChainStart | null> {
  const [row] = await rowsOf<{ readonly entry: string | null }>(
    queryable,
    render('read/seal_entries', schema),
    [0, 1],
  )
  const entry = row?.entry ? parseEntry(row.entry) : undefined
  if (entry?.kind !== 'start') return null
  const { at, by, reason, former } = entry
  return {
    at: timeOfMicroseconds(at),
    by: String(by),
    reason: typeof reason === 'string' ? reason : null,
    former: isPlainObject(former)
      ? { log: isLog(former.log) ? former.log : null, entries: Number(former.entries) || 0 }
      : null,
  }
}

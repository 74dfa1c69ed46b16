import { type Queryable, rowsOf } from '../queryable.js'
import { render } from '../sql/template.js'

/** lock_not_available: what `lock_timeout` ends with. */
export const LOCK_NOT_AVAILABLE = '55P03'

/** Half a sentence about a table that could not be locked: how long was waited, and for whom. */
export async function lockProblem(
  queryable: Queryable,
  {
    schema,
    table,
    lockTimeout,
    attempts,
    exclusive,
  }: {
    readonly schema: string
    readonly table: string
    readonly lockTimeout: number
    readonly attempts: number
    /** Whether readers are in the way, too: they are when a trigger is dropped. */
    readonly exclusive: boolean
  },
): Promise<string> {
  const times = attempts === 1 ? '1 attempt' : `${attempts} attempts`
  const waited = `could not be locked in ${times} of ${lockTimeout} ms (the option lockTimeout)`
  let pids: string[] = []
  try {
    const rows = await rowsOf<{ pid: number }>(queryable, render('install/blockers', schema), [
      table,
      String(exclusive),
    ])
    pids = rows.map(({ pid }) => String(pid))
  } catch {
    // it is the lock that is the news, not that nobody could be found to blame
  }
  if (pids.length === 0) return waited
  return `${waited}, because ${pids.length === 1 ? 'process' : 'processes'} ${pids.join(', ')} held a lock`
}

import { type Queryable, rowsOf } from '../queryable.js'
import { render } from '../sql/template.js'

/** The smallest and the greatest number that an id can be made. */
export const LEAST = -(2n ** 63n)
const MOST = 2n ** 63n - 1n

/** The last place of the chain, and the smallest and greatest id of events, there or not. */
export async function reachOf(
  queryable: Queryable,
  schema: string,
): Promise<{ entries: bigint; first: bigint; last: bigint; salted: boolean }> {
  const [row] = await rowsOf<Record<'entries' | 'first_id' | 'last_id' | 'salted', string | null>>(
    queryable,
    render('read/sealed_reach', schema),
    [],
  )
  return {
    entries: BigInt(row?.entries ?? -1),
    first: BigInt(row?.first_id ?? 0),
    last: BigInt(row?.last_id ?? -1),
    salted: row?.salted === 'true',
  }
}

/** The next that is there: whoever puts one far behind the others keeps nobody busy with what is between. */
export async function nextOf(
  queryable: Queryable,
  schema: string,
  name: 'read/next_entry' | 'read/next_event',
  from: bigint,
): Promise<bigint | undefined> {
  if (from > MOST) return undefined
  const [row] = await rowsOf<{ next: string | null }>(queryable, render(name, schema), [
    String(from),
  ])
  return row?.next == null ? undefined : BigInt(row.next)
}

export function endOf(from: bigint, size: bigint): bigint {
  return least(from + size - 1n, MOST)
}

export function least(one: bigint, other: bigint): bigint {
  return one < other ? one : other
}

import { type Queryable, rowsOf } from '../queryable.js'
import { render } from '../sql/template.js'
import type { Chain } from './chain-links.js'

/** What transaction ids mean where a log is. */
export interface ThisCluster {
  /** From this transaction id on, none is over. */
  readonly end: bigint
  /** The transaction that asks, where it has written. */
  readonly own: string | null
  /** Whether the chain comes from another cluster, and its first round in this one has not ended: see `sealed_until`. */
  readonly hasMoved: boolean
}

/** Asks the server itself, and no function of the log. */
export async function thisCluster(
  queryable: Queryable,
  schema: string,
  { until, round, base }: Chain,
): Promise<ThisCluster> {
  const [row] = await rowsOf<{ end: string; own: string | null; may_know: string }>(
    queryable,
    render('read/this_cluster', schema),
    [],
  )
  const end = BigInt(row?.end ?? 0)
  const [known] =
    row?.may_know === 'true'
      ? await rowsOf<{ system: string }>(queryable, render('read/system_identifier', schema), [])
      : []
  const isElsewhere =
    (known !== undefined && base?.system != null && base.system !== known.system) ||
    (round !== undefined && BigInt(round.snapshot.split(':')[0] ?? 0) > end)
  return {
    end,
    own: row?.own ?? null,
    hasMoved: until.incarnation >= 0 && (isElsewhere || round?.incarnation !== until.incarnation),
  }
}

import { UsageError } from '../errors.js'
import { checkFlag, checkOptions, show } from '../options.js'
import { type Queryable, rowsOf } from '../queryable.js'
import { quoteIdentifier } from '../sql/quote.js'

/** What `seal` may be told. */
export interface SealOptions {
  /**
   * The most events of a block: what a proof of one event is about, and what one step holds in memory.
   *
   * @defaultValue 10000
   */
  readonly maxEvents?: number | undefined
  /**
   * Goes on with the chain in another cluster, where transaction ids begin anew: after a dump was
   * restored there, or after pg_upgrade.
   *
   * @defaultValue `false`
   */
  readonly rebase?: boolean | undefined
}

/** What `seal` sealed. */
export interface Sealing {
  /** How many blocks are new. */
  readonly blocks: number
  /** How many events they hold. */
  readonly events: number
}

/** What `enableSealing` may be told. */
export interface EnableSealingOptions {
  /**
   * Begins another chain in the place of one that is broken, over the log as it is now.
   *
   * @defaultValue `false`
   */
  readonly anew?: boolean | undefined
  /** With `anew`: what happened to the chain before. It stays, in the first entry of the new one. */
  readonly reason?: string | undefined
}

/** Begins the chain; false where it was there. */
export async function enableSealing(
  queryable: Queryable,
  schema: string,
  options: EnableSealingOptions,
  lockTimeout: number,
): Promise<boolean> {
  checkOptions('enableSealing', options, ['anew', 'reason'])
  const { anew, reason } = options
  checkFlag('enableSealing', 'anew', anew)
  const log = quoteIdentifier(schema)
  const patience = `${lockTimeout} milliseconds`
  if (anew) {
    if (typeof reason !== 'string' || reason.trim() === '') {
      throw new UsageError(
        `enableSealing was given anew, and reason: ${show(reason)}. Say what happened to the chain before, as { anew: true, reason: 'audit_seal was lost with disk 3' } does.`,
      )
    }
    await rowsOf(queryable, `SELECT ${log}.seal_anew($1, $2::interval)`, [reason, patience])
    return true
  }
  if (reason !== undefined) {
    throw new UsageError(
      'enableSealing was given a reason, and not anew. A reason is for a chain that takes the place of a broken one: give both, or neither.',
    )
  }
  const text = `SELECT ${log}.enable_sealing($1::interval)::text AS begun`
  const [row] = await rowsOf<{ begun: string }>(queryable, text, [patience])
  return row?.begun === 'true'
}

/** Seals everything that is over, in steps of a transaction each. */
export async function seal(
  queryable: Queryable,
  schema: string,
  options: SealOptions,
): Promise<Sealing> {
  checkOptions('seal', options, ['maxEvents', 'rebase'])
  const { maxEvents = 10_000, rebase } = options
  checkFlag('seal', 'rebase', rebase)
  if (!Number.isInteger(maxEvents) || maxEvents < 1 || maxEvents > 100_000) {
    throw new UsageError(
      `maxEvents: ${show(maxEvents)} is no number of events of a block. Give one from 1 to 100000.`,
    )
  }
  const log = quoteIdentifier(schema)
  if (rebase) await rowsOf(queryable, `SELECT ${log}.seal_rebase()`, [])
  let blocks = 0
  let events = 0
  for (;;) {
    const text = `SELECT ${log}.seal($1::integer)::text AS sealed`
    const [row] = await rowsOf<{ sealed: string }>(queryable, text, [maxEvents])
    const step: Sealing & { more: boolean } = JSON.parse(row?.sealed ?? '{}')
    blocks += step.blocks
    events += step.events
    if (!step.more) return { blocks, events }
  }
}

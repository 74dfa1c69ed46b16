import { SchemaError } from '../errors.js'
import { checkFlag, checkOptions } from '../options.js'
import { type Queryable, rowsOf } from '../queryable.js'
import { quoteIdentifier } from '../sql/quote.js'
import { detachConcurrently } from './detach.js'
import { dueForPurge, type Purge, type PurgeStep, purged } from './purge.js'

/** What `maintain` may be told. */
export interface MaintainOptions {
  /**
   * Only counts what is older than its retention, in `purge`; tells nothing of partitions and columns.
   *
   * @defaultValue `false`
   */
  readonly dryRun?: boolean | undefined
}

/** What `maintain` did. */
export interface Maintenance {
  /** The names of new partitions. */
  readonly partitions: readonly string[]
  /** Partitions that somebody had detached by hand and that are back, if there were any. */
  readonly attached?: readonly string[]
  /** Tables whose columns had changed since they were last noted. */
  readonly shapes: readonly string[]
  /** What was older than its retention, if something was; with `dryRun` what would go. */
  readonly purge?: Purge
}

/** One step of it, as the database tells it. */
interface Step extends Omit<Maintenance, 'purge'> {
  readonly pending: boolean
  readonly purge?: PurgeStep
  readonly detach?: PurgeStep['detach']
  /** What could not be done, and why. */
  readonly blocked?: string
}

/**
 * All of the log's housekeeping, in steps of a transaction each.
 *
 * @throws SchemaError where something could not be locked, or keeps the overflow open. The rest is done.
 */
export async function maintain(
  queryable: Queryable,
  schema: string,
  options: MaintainOptions,
  lockTimeout: number,
): Promise<Maintenance> {
  checkOptions('maintain', options, ['dryRun'])
  checkFlag('maintain', 'dryRun', options.dryRun)
  if (options.dryRun) {
    const purge = await dueForPurge(queryable, schema)
    const isDue = purge.events + purge.contexts + purge.partitions.length > 0
    return { partitions: [], shapes: [], ...(isDue && { purge }) }
  }
  const text = `SELECT ${quoteIdentifier(schema)}.maintain_step($1::interval, $2::boolean, $3)::text AS done`
  const partitions = new Set<string>()
  const attached = new Set<string>()
  const shapes = new Set<string>()
  const purges = new Map<string, PurgeStep>()
  let blocked: string | undefined
  for (const part of ['partitions', 'purge']) {
    let detach = false
    for (let pending = true; pending; ) {
      const values = [`${lockTimeout} milliseconds`, String(detach), part]
      const [row] = await rowsOf<{ done: string }>(queryable, text, values)
      const step: Step = JSON.parse(row?.done ?? '{}')
      for (const name of step.partitions) partitions.add(name)
      for (const name of step.attached ?? []) attached.add(name)
      for (const name of step.shapes) shapes.add(name)
      if (step.purge?.id) purges.set(step.purge.id, step.purge)
      blocked = step.blocked ?? blocked
      pending = step.pending
      detach = step.detach ? !(await detachConcurrently(queryable, schema, step.detach)) : false
    }
  }
  if (blocked !== undefined) throw new SchemaError(blocked)
  const purge = [...purges.values()].reduce<Purge | undefined>(
    (sum, step) => added(sum, purged(step)),
    undefined,
  )
  return {
    partitions: [...partitions],
    shapes: [...shapes],
    ...(attached.size > 0 && { attached: [...attached] }),
    ...(purge && { purge }),
  }
}

/** Two purges as one: one that was killed, and that of today. */
function added(sum: Purge | undefined, next: Purge): Purge {
  if (!sum) return next
  return Object.freeze({
    id: next.id,
    events: sum.events + next.events,
    contexts: sum.contexts + next.contexts,
    bytes: sum.bytes + next.bytes,
    partitions: [...sum.partitions, ...next.partitions],
    tables: [...sum.tables, ...next.tables],
  })
}

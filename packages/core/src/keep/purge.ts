import { parseTable, quoteTable, type TableName } from '../declare/table.js'
import { isRetention } from '../declare/track.js'
import { fromDatabase, UsageError } from '../errors.js'
import { checkFlag, checkOptions, show } from '../options.js'
import { type Queryable, rowsOf } from '../queryable.js'
import { quoteIdentifier } from '../sql/quote.js'
import { detachConcurrently, type Leaving } from './detach.js'
import { lockedOut } from './partitions.js'

/** What `purge` may be told. */
export interface PurgeOptions {
  /**
   * Events older than this go: hours, days, weeks, months, years in words, as for `retention`: `'2 years'`,
   * `'1 year 6 months'`, `'90 days'`.
   */
  readonly olderThan: string
  /** Events of this table alone. Without it those of all, except where a table declares a longer retention. */
  readonly table?: string | TableName | undefined
  /**
   * Drops partitions that hold nothing else, from the oldest on, rather than emptying them: much faster.
   *
   * @defaultValue `false`
   */
  readonly dropPartitions?: boolean | undefined
  /**
   * Only counts what would go.
   *
   * @defaultValue `false`
   */
  readonly dryRun?: boolean | undefined
}

/** What a purge did, or would do. */
export interface Purge {
  /** Of its record in the view `purges`; null where nothing was purged, and with `dryRun`. */
  readonly id: string | null
  readonly events: number
  /** Contexts that no event needs any more. They go a period later than events. */
  readonly contexts: number
  /** Of the rows, as they are stored; of dropped partitions with their indexes. */
  readonly bytes: number
  /** Partitions that were dropped. */
  readonly partitions: readonly string[]
  /** The tables that events went of, and until when. */
  readonly tables: readonly {
    readonly table: string
    /** As ISO 8601: what was before is not known any more. */
    readonly until: string
    readonly events: number
  }[]
}

/** One step of a purge, as the database tells it. */
export interface PurgeStep extends Omit<Purge, 'id'> {
  readonly id?: string
  readonly pending?: boolean
  /** A partition that is to be detached before the next step. */
  readonly detach?: Leaving
}

/** Purges the log, in steps of a transaction each. */
export async function purge(
  queryable: Queryable,
  schema: string,
  options: PurgeOptions,
  lockTimeout: number,
): Promise<Purge> {
  checkOptions('purge', options, ['olderThan', 'table', 'dropPartitions', 'dryRun'])
  const { olderThan, table, dropPartitions, dryRun } = options
  checkFlag('purge', 'dropPartitions', dropPartitions)
  checkFlag('purge', 'dryRun', dryRun)
  if (!isRetention(olderThan) || olderThan === 'forever') throw noTime(olderThan)
  const text = `SELECT ${quoteIdentifier(schema)}.purge($1, $2, $3::boolean, $4::boolean, $5::bigint, $6::boolean, $7::interval)::text AS done`
  let id: string | null = null
  let detach = false
  for (;;) {
    const values = [
      olderThan,
      table === undefined ? null : quoteTable(parseTable(table)),
      String(dropPartitions === true),
      String(dryRun === true),
      id,
      String(detach),
      `${lockTimeout} milliseconds`,
    ]
    const [row] = await rowsOf<{ done: string }>(queryable, text, values).catch(
      (error: unknown) => {
        throw lockedOut(fromDatabase(error))
      },
    )
    const step: PurgeStep = JSON.parse(row?.done ?? '{}')
    id ??= step.id ?? null
    if (step.pending !== true) return purged(step)
    detach = step.detach ? !(await detachConcurrently(queryable, schema, step.detach)) : false
  }
}

/** What is older than the retention that its table declares: what `maintain` would let go of. */
export async function dueForPurge(queryable: Queryable, schema: string): Promise<Purge> {
  const text = `SELECT ${quoteIdentifier(schema)}.purge(NULL, NULL, true, true)::text AS due`
  const [row] = await rowsOf<{ due: string }>(queryable, text, [])
  return purged(JSON.parse(row?.due ?? '{}'))
}

/** A step without what is between us and the database. */
export function purged({ id, events, contexts, bytes, partitions, tables }: PurgeStep): Purge {
  return Object.freeze({ id: id ?? null, events, contexts, bytes, partitions, tables })
}

function noTime(olderThan: unknown): UsageError {
  return new UsageError(
    `olderThan: ${show(olderThan)} is no time. Give hours, days, weeks, months or years in words, such as '2 years', '1 year 6 months' or '90 days'.`,
  )
}

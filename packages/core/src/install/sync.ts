import { setTimeout as pause } from 'node:timers/promises'
import { AuditrumError, SchemaError, sqlStateOf } from '../errors.js'
import { type Queryable, rowsOf } from '../queryable.js'
import { LOCK_NOT_AVAILABLE, lockProblem } from './lock.js'
import { type Change, type PlanOptions, type Preparation, prepare } from './plan.js'

export interface SyncOptions extends PlanOptions {
  /** How long a statement may wait for a lock, in milliseconds; writers queue behind it that long. */
  readonly lockTimeout: number
  /** Plan, and do nothing. */
  readonly dryRun?: boolean | undefined
}

/** Tables by what was done to them (or would be, with `dryRun`), as `schema.name`. */
export interface SyncResult {
  readonly installed: readonly string[]
  readonly updated: readonly string[]
  readonly uninstalled: readonly string[]
  readonly unchanged: readonly string[]
  /**
   * Recorded as declared all along, but their columns are others since the last sync (or a new partition's
   * TRUNCATE goes unrecorded), which this role may not mend. The next sync of the owner of the log does.
   */
  readonly pending: readonly string[]
  /**
   * Tables of the log itself that somebody had dropped, as `schema.name`: they are there again, and what was in
   * them is gone. Of `audit_seal` and `audit_leaf` status tells what to do.
   */
  readonly recreated: readonly string[]
  /** Who owns the log, and may do what is pending. */
  readonly owner: string
}

/** lock_not_available, deadlock_detected, serialization_failure, and what two installers at once can meet. */
const transient: readonly unknown[] = [
  LOCK_NOT_AVAILABLE,
  '40P01',
  '40001',
  '23505',
  '42P06',
  '42P07',
  '42710',
]
const ATTEMPTS = 8
/** in_failed_sql_transaction: of the caller's own, where trying again is no use. */
const TRANSACTION_FAILED = '25P02'

/**
 * Makes the database match what is declared. Where nothing differs it only reads the catalogue;
 * otherwise every table is changed in a transaction of its own, so that it never holds a lock on one
 * table while it waits for another. What could not be done in {@link ATTEMPTS} attempts is said per
 * table, the rest is done, and a second run finishes it.
 */
export async function sync(queryable: Queryable, options: SyncOptions): Promise<SyncResult> {
  const prepared = await prepare(queryable, options)
  const { changes, waiting, denied, owner, lost } = prepared
  const [refused] = denied.values()
  const isAlone = changes.every(
    (change) => change.action === 'none' || denied.has(change) || isNewLog(change),
  )
  if (refused && (options.dryRun || isAlone)) throw refused
  if (!options.dryRun) await apply(queryable, prepared, options)
  const tables = changes.filter((change) => change.table !== null && !waiting.has(change))
  const named = (action: Change['action']) =>
    tables.filter((change) => change.action === action).map(({ table }) => String(table))
  return Object.freeze({
    installed: named('install'),
    updated: named('update'),
    uninstalled: named('uninstall'),
    unchanged: named('none'),
    pending: [...waiting].map(({ table }) => String(table)),
    recreated: lost,
    owner,
  })
}

function isNewLog({ table, action }: Change): boolean {
  return table === null && action === 'install'
}

async function apply(
  queryable: Queryable,
  { changes, waiting, denied }: Preparation,
  options: SyncOptions,
): Promise<void> {
  const todo = changes.filter((change) => change.action !== 'none' && !waiting.has(change))
  const isLog = ({ table }: Change) => table === null
  // without the log no table can be tracked
  for (const part of [todo.filter(isLog), todo.filter((change) => !isLog(change))]) {
    const possible = part.filter((change) => !denied.has(change))
    const failures = new Map([
      ...part.flatMap((change): [Change, unknown][] =>
        denied.has(change) ? [[change, denied.get(change)]] : [],
      ),
      ...(await attempt(queryable, possible, options.lockTimeout)),
    ])
    if (failures.size > 0) throw await failed(queryable, failures, part.length, options)
  }
}

/** Tries each change until it succeeds, those that met a lock again after all others. */
async function attempt(
  queryable: Queryable,
  changes: readonly Change[],
  lockTimeout: number,
): Promise<ReadonlyMap<Change, unknown>> {
  const failures = new Map<Change, unknown>()
  let pending = changes
  for (let round = 1; round <= ATTEMPTS && pending.length > 0; round++) {
    if (round > 1) await pause(50 * round * (1 + Math.random()))
    const again: Change[] = []
    for (const change of pending) {
      try {
        await rowsOf(queryable, patiently(change.sql, lockTimeout))
        failures.delete(change)
      } catch (error) {
        if (failures.size > 0 && sqlStateOf(error) === TRANSACTION_FAILED) return failures
        failures.set(change, error)
        if (transient.includes(sqlStateOf(error))) again.push(change)
      }
    }
    pending = again
  }
  return failures
}

/**
 * One simple query, which is one transaction. In one of the caller's, where its settings would stay,
 * they are put back.
 */
function patiently(sql: string, lockTimeout: number): string {
  return [
    "SELECT pg_catalog.set_config('auditrum.lock_timeout', pg_catalog.current_setting('lock_timeout'), true);",
    `SET LOCAL lock_timeout = ${lockTimeout};`,
    sql,
    "SELECT pg_catalog.set_config('lock_timeout', pg_catalog.current_setting('auditrum.lock_timeout'), true);",
  ].join('\n')
}

async function failed(
  queryable: Queryable,
  failures: ReadonlyMap<Change, unknown>,
  total: number,
  { schema, lockTimeout }: SyncOptions,
): Promise<unknown> {
  const [first] = failures.values()
  // what is wrong with a declaration is said as such
  if (failures.size === 1 && first instanceof AuditrumError) return first
  const lines: string[] = []
  for (const [{ table, action }, error] of failures) {
    const problem =
      sqlStateOf(error) === LOCK_NOT_AVAILABLE
        ? await lockProblem(queryable, {
            schema,
            table: table ?? '',
            lockTimeout,
            attempts: ATTEMPTS,
            exclusive: action === 'uninstall',
          })
        : error instanceof Error
          ? error.message
          : String(error)
    lines.push(`${table ?? 'the log'}: ${problem}`)
  }
  const remedy =
    failures.size < total
      ? 'The rest is done; run sync again to finish it.'
      : 'Run sync again when that has changed.'
  return new SchemaError(
    `Sync failed for ${failures.size} of ${total}: ${lines.join('; ')}. ${remedy}`,
    { cause: first },
  )
}

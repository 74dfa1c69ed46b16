import { sqlStateOf } from '../errors.js'
import { type Queryable, rowsOf } from '../queryable.js'
import { render } from '../sql/template.js'
import { type Catalogue, syncOf } from './catalogue.js'
import type { AddFinding } from './finding.js'
import type { OverflowStatus, PartitionStatus, SealingStatus } from './status.js'

/** What sql/functions/log_status.sql finds, and sql/install/label_status.sql. */
export interface LogStatus {
  readonly partitions: readonly PartitionStatus[]
  /** How long partitions are, how many are made ahead, and how many are there. */
  readonly ahead: { readonly unit: string; readonly wanted: number; readonly made: number }
  readonly overflow: OverflowStatus
  /** What keeps the overflow from becoming a partition. */
  readonly overflowObstacle: { readonly message: string; readonly remedy: string } | null
  /** How sealing is doing, with what is told by findings. */
  readonly sealing: (SealingStatus & Readonly<Record<'moved' | 'salted' | 'cut', boolean>>) | null
  readonly unfinishedPurges: number
  /** A partition that is being detached, or was when that was interrupted. */
  readonly leaving: {
    readonly name: string
    readonly since: string | null
    readonly until: string
    /** Whether the present time lies in it, so that every write is refused. */
    readonly isPresent: boolean
  } | null
  /** Of audit_event and audit_context those that have no partition for the present time. */
  readonly homeless: readonly string[]
  /** Partitions that somebody has detached by hand, and whether a partition is missing in the log. */
  readonly detached: readonly { readonly name: string; readonly isMissed: boolean }[]
  readonly pausingAllowed: boolean
  readonly unattributed: number
  readonly contextErrors: number
  readonly withoutActor: number
  readonly drifted: readonly {
    /** The table's id, as in its events. */
    readonly id: number
    readonly table: string
    /** What was declared and not there. */
    readonly name: string
    /** When the last such event was written, as ISO 8601. */
    readonly last: string
  }[]
  /** Labels that cannot be evaluated any more, and why. */
  readonly labels: readonly {
    readonly table: string
    readonly label: string
    readonly problem: string
  }[]
  readonly tables: Readonly<
    Record<
      string,
      { readonly since: string; readonly gaps: number; readonly purgedUntil: string | null }
    >
  >
}

/** Older than this is not to be what nobody has sealed. */
const LATE = 300

/** What the content of the log tells of its health. */
export function addLogFindings(log: LogStatus, catalogue: Catalogue, add: AddFinding): void {
  for (const name of log.homeless) {
    add(
      'error',
      'partition_missing',
      null,
      `${name} has no partition for the present time, which somebody has dropped or detached`,
      'Run maintain(): it makes one.',
    )
  }
  for (const { name, isMissed } of log.detached) {
    add(
      // else it may be a copy
      isMissed ? 'error' : 'warning',
      'partition_detached',
      null,
      `${name} holds rows, and is no partition of the log any more`,
      'Run maintain(): it puts it back. Where the log has another partition for that time by now, let its owner insert the rows into the log and drop the table, or move it to another schema.',
    )
  }
  if (log.overflowObstacle) {
    const { message, remedy } = log.overflowObstacle
    add('warning', 'clock_ahead', null, message.replace(/\.$/, ''), remedy)
  } else if (log.overflow.inUse) {
    add(
      'warning',
      'overflow_in_use',
      null,
      'The overflow partition holds rows: partitions were made too late, or a clock was ahead',
      'Run maintain(), daily: it makes a partition of it. Nothing is lost: events are safe in it.',
    )
  } else if (log.ahead.made < 1) {
    add(
      'warning',
      'partitions_low',
      null,
      `There is no partition for next ${log.ahead.unit}`,
      'Run maintain(), daily.',
    )
  }
  if (log.leaving) {
    const { name, since, until, isPresent } = log.leaving
    const period = since === null ? `before ${until}` : `from ${since} to ${until}`
    add(
      isPresent ? 'error' : 'warning',
      'purge_unfinished',
      null,
      `The partition ${name} is leaving the log, or was when a purge was stopped: until it has left, a write is refused whose clock shows a time ${period}`,
      'Run maintain(): it goes on with it, and names who is in its way.',
    )
  } else if (log.unfinishedPurges > 0) {
    add(
      'info',
      'purge_unfinished',
      null,
      'A purge is under way, or was stopped before it was done',
      'Run maintain(): it goes on with it.',
    )
  }
  if (log.pausingAllowed) {
    add(
      'warning',
      'pausing_allowed',
      null,
      'Recording may be paused here, which is for databases that hold nothing but what tests write',
      'Anywhere else, let the owner of the log take that back: allowPausing(false).',
    )
  }
  if (log.sealing) addSealingFindings(log.sealing, add)
  if (log.unattributed > 0) {
    add(
      'warning',
      'events_without_context',
      null,
      `Events of the last day the context of which is gone, or of another transaction: ${log.unattributed}`,
      'Somebody has set auditrum.remembered by hand, or deleted contexts: look at db_user and the table of these events.',
    )
  }
  if (log.contextErrors > 0) {
    add(
      'warning',
      'context_errors',
      null,
      `Contexts of the last day that could not be stored as given: ${log.contextErrors}`,
      'Look at context_error in auditlog.',
    )
  }
  if (log.withoutActor > 0) {
    add(
      'info',
      'events_without_actor',
      null,
      `Events of the last day without a user_id: ${log.withoutActor}`,
      'Look at application_name and db_user of these events to find who writes without a context.',
    )
  }
  for (const { table, label, problem } of log.labels) {
    add(
      'warning',
      'label_broken',
      table,
      `The label ${JSON.stringify(label)} of ${table} cannot be evaluated, so its rows have none: ${problem}`,
      `Correct the declaration and run ${syncOf(catalogue)}. No event is lost or incomplete.`,
    )
  }
  for (const table of new Set(log.drifted.map((each) => each.table))) {
    const drifted = log.drifted.filter((each) => each.table === table)
    const present = drifted.filter((each) => goesOn(each, catalogue))
    const past = drifted.filter((each) => !present.includes(each))
    const message = (each: LogStatus['drifted']) =>
      `Events of ${table} were written without the declared ${each.map(({ name }) => name).join(', ')}`
    if (present.length > 0) {
      const remedy = `Correct the declaration and run ${syncOf(catalogue)}.`
      add('error', 'drift', table, message(present), remedy)
    }
    if (past.length > 0) {
      add(
        'info',
        'drift_mended',
        table,
        `${message(past)} in the last day, which was mended since`,
        'Nothing is to do: look at drift in auditlog for what these events lack.',
      )
    }
  }
}

function addSealingFindings(
  { entries, lagSeconds, moved, salted, cut }: NonNullable<LogStatus['sealing']>,
  add: AddFinding,
): void {
  const remedy =
    'Find out who did that, and restore audit_seal and audit_leaf from a backup. Without one, another chain is begun, which says so: enableSealing({ anew: true, reason }).'
  if (entries === 0) {
    add('error', 'sealing_gone', null, 'The log was sealed, and its chain is empty', remedy)
  } else if (cut) {
    const message = `The chain ends with entry ${entries - 1}, and the hashes of blocks end elsewhere`
    add('error', 'sealing_cut', null, message, remedy)
  } else if (moved) {
    add(
      'warning',
      'sealing_moved',
      null,
      'The log was sealed in another cluster, and is not sealed here',
      'If it was restored or upgraded on purpose, go on with the chain: seal({ rebase: true }).',
    )
  } else if (lagSeconds !== null && lagSeconds > LATE) {
    add(
      'warning',
      'sealing_lags',
      null,
      `The oldest event that is not sealed is ${age(lagSeconds)} old`,
      'Keep the command running, or call seal() every few seconds.',
    )
  }
  if (!salted) {
    add(
      'warning',
      'sealing_unsalted',
      null,
      'New events do not get the salt any more that keeps their hashes from being guessed',
      'Let the owner of the log call enableSealing(): it gives the salt back.',
    )
  }
}

/** Whether the next event will drift, too: nothing was written anew since, and the name is still not there. */
function goesOn({ id, name, last }: LogStatus['drifted'][number], catalogue: Catalogue): boolean {
  const capture = catalogue.captures.find((each) => each.id === id)
  const table = capture?.table == null ? undefined : catalogue.tables[capture.table]
  if (!table) return false
  const writtenAt = capture?.stamp?.writtenAt
  if (writtenAt !== undefined && Date.parse(last) < Date.parse(writtenAt)) return false
  // whether a condition can be evaluated again is seen by the events alone
  return name === 'when' || !table.columns.includes(name)
}

/** Reads it, where this role may. */
export async function readLog(
  queryable: Queryable,
  schema: string,
): Promise<LogStatus | undefined> {
  try {
    const [row] = await rowsOf<{ status: string; mayEvaluate: boolean }>(
      queryable,
      render('install/log_status', schema),
      [],
    )
    if (!row) return undefined
    const labels = row.mayEvaluate
      ? await rowsOf<LogStatus['labels'][number]>(
          queryable,
          render('install/label_status', schema),
          [],
        )
      : []
    return { ...JSON.parse(row.status), labels }
  } catch (error) {
    if (sqlStateOf(error) === '42501') return undefined
    throw error
  }
}

/** In units that people count it by. */
function age(seconds: number): string {
  const minutes = Math.floor(seconds / 60)
  if (minutes < 3 * 60) return `${minutes} minutes`
  const hours = Math.floor(minutes / 60)
  return hours < 3 * 24 ? `${hours} hours` : `${Math.floor(hours / 24)} days`
}

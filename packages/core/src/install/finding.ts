import type { Difference } from './inspect.js'
import type { NameProblem } from './resolve.js'

/**
 * What a finding is about. Stable, for monitoring. Of the log:
 *
 * - `log_missing`: there is no log in this schema.
 * - `log_outdated`: the log has an older version than this package.
 * - `log_newer`: the log has a newer version than this package knows.
 * - `log_unreadable`: this role may not read the log, so its content was not examined.
 * - `log_is_writable`: somebody else than its owner can change the log.
 * - `object_missing`: a table, view or function of the log was dropped.
 * - `function_edited`: a function of the log, or of a tracked table, is not the one that was written.
 * - `overflow_in_use`: events went to the overflow partition, because no month's was there.
 * - `clock_ahead`: rows of more than ten years ahead keep the overflow from becoming a partition.
 * - `partition_missing`: no partition holds the present time, so recorded writes fail.
 * - `partition_detached`: a partition was detached by hand, and what it holds is not read.
 * - `partitions_low`: there is no partition for next month (week, day).
 * - `purge_unfinished`: a purge is under way, or was stopped before it was done.
 * - `pausing_allowed`: recording may be paused, which is for test databases.
 * - `sealing_lags`: the oldest event that is not sealed is older than five minutes.
 * - `sealing_moved`: the log was sealed in another cluster, and is not sealed here.
 * - `sealing_unsalted`: new events get no salt any more, or one that can be guessed.
 * - `sealing_gone`: the log was sealed, and its chain is empty.
 * - `sealing_cut`: entries at the end of the chain are gone.
 * - `hardening_undone`: the log was hardened against a role, and something of that was taken back.
 * - `hardening_incomplete`: a role that the log was hardened against can still change or silence it.
 *
 * Of what is declared:
 *
 * - `table_missing`: a declared table does not exist.
 * - `table_renamed`: a declared table has another name now; it is recorded all along.
 * - `column_missing`: a declared column does not exist.
 * - `tracked_and_waived`: a table is declared as tracked and waived.
 * - `schema_missing`: `trackAll` names a schema that does not exist.
 * - `excepted_missing`: `trackAll` excepts a table that does not exist.
 * - `waived_missing`: a waived table does not exist, or not yet.
 * - `not_tracked`: a declared table is not recorded.
 * - `undeclared`: a table is recorded that this app no longer declares.
 * - `declaration_changed`: what is declared is not what is recorded.
 *
 * Of a tracked table:
 *
 * - `trigger_missing`: one of its triggers was dropped or renamed.
 * - `trigger_disabled`: one of its triggers is disabled.
 * - `trigger_altered`: one of its triggers fires on something else, or under a condition.
 * - `trigger_order`: a trigger of the application fires before ours.
 * - `trigger_stray`: a table that left its partitions or children still carries its trigger.
 * - `partition_trigger_missing`: a partition or child lacks a trigger; a warning where only its
 *   TRUNCATE goes unrecorded.
 * - `function_outdated`: its capture function was written by another version.
 * - `key_changed`: its primary key is another one.
 * - `columns_changed`: its columns are others.
 * - `no_key`: it has no primary key.
 * - `label_broken`: its label can no longer be evaluated.
 * - `table_dropped`: it was dropped; its history stays.
 *
 * Of the events of the last day:
 *
 * - `drift`: some were written without a declared column or condition, and more will be.
 * - `drift_mended`: some were, before that was mended.
 * - `events_without_context`: the context of some is gone, or of another transaction.
 * - `events_without_actor`: some have no `user_id`.
 * - `context_errors`: some contexts could not be stored as given.
 */
export type FindingCode =
  | 'log_missing'
  | 'log_outdated'
  | 'log_newer'
  | 'log_unreadable'
  | 'log_is_writable'
  | 'object_missing'
  | 'overflow_in_use'
  | 'clock_ahead'
  | 'partition_missing'
  | 'partition_detached'
  | 'partitions_low'
  | 'purge_unfinished'
  | 'pausing_allowed'
  | 'sealing_lags'
  | 'sealing_moved'
  | 'sealing_unsalted'
  | 'sealing_gone'
  | 'sealing_cut'
  | 'hardening_undone'
  | 'hardening_incomplete'
  | 'column_missing'
  | 'not_tracked'
  | 'undeclared'
  /** A cast to json that runs a function of an untrusted role as the owner of the log. */
  | 'foreign_cast'
  | 'trigger_order'
  | 'no_key'
  | 'label_broken'
  | 'table_dropped'
  | 'drift'
  | 'drift_mended'
  | 'events_without_context'
  | 'events_without_actor'
  | 'context_errors'
  | NameProblem['code']
  | Difference['code']

/** Something that an operator should know. */
export interface Finding {
  /** `error`: changes may be lost or wrongly recorded; `warning`: soon, or partly; `info`: good to know. */
  readonly severity: 'error' | 'warning' | 'info'
  readonly code: FindingCode
  /** The table as `schema.name`; null where it concerns the log. */
  readonly table: string | null
  readonly message: string
  /** Why that matters. */
  readonly why: string
  /** What mends it. */
  readonly remedy: string
  /** The command that does, or null. */
  readonly command: string | null
}

/** Adds a finding to those of a status. */
export type AddFinding = (
  severity: Finding['severity'],
  code: FindingCode,
  table: string | null,
  message: string,
  remedy: string,
  /** Another than that of the code; null for none. */
  command?: string | null,
) => void

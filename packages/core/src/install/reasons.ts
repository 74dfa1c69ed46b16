import type { FindingCode } from './finding.js'

/** What a finding means for the trail, and the command that mends it, where one does. */
export interface Reason {
  readonly why: string
  readonly command: string | null
}

const SYNC = 'auditrum sync'
const PRUNE = 'auditrum sync --prune'
const MAINTAIN = 'auditrum maintain'

/** By the code of the finding. */
export const reasons: Readonly<Record<FindingCode, Reason>> = {
  log_missing: { why: 'No change is recorded.', command: SYNC },
  log_outdated: {
    why: 'Changes are recorded as before; what the new version records or answers is not there. What is in the log was not examined.',
    command: SYNC,
  },
  log_newer: {
    why: 'This program does not know what the newer one may have changed; it changes nothing, and did not examine what is in the log.',
    command: null,
  },
  log_unreadable: {
    why: 'Drift, partitions and missing actors may be wrong without being told here.',
    command: null,
  },
  log_is_writable: {
    why: 'Who can change the log, or have it changed, can make it say anything.',
    command: null,
  },
  object_missing: {
    why: 'Writes of the application may fail, or the log not answer. What is in the log was not examined.',
    command: SYNC,
  },
  function_edited: {
    why: 'Somebody has changed what is recorded, or how it is read.',
    command: SYNC,
  },
  overflow_in_use: {
    why: 'Nothing is lost, but the overflow grows until it is closed, and reading it takes longer.',
    command: MAINTAIN,
  },
  clock_ahead: {
    why: 'No partition is made for what is written now, and none can be dropped of what is in the overflow.',
    command: null,
  },
  partition_missing: {
    why: 'Every write to a recorded table fails.',
    command: MAINTAIN,
  },
  partition_detached: {
    why: 'What it holds is in no answer, as if it had not happened.',
    command: MAINTAIN,
  },
  partitions_low: {
    why: 'Soon events go to the overflow: nothing is lost, but reading takes longer.',
    command: MAINTAIN,
  },
  purge_unfinished: {
    why: 'Some of what was to go is still there.',
    command: MAINTAIN,
  },
  pausing_allowed: {
    why: 'Who owns a table can have it go unrecorded, with a gap that the log knows of.',
    command: null,
  },
  sealing_lags: {
    why: 'Until an event is sealed, whoever may change the log changes it unseen.',
    command: 'auditrum seal --every 5s',
  },
  sealing_moved: {
    why: 'Nothing is sealed here: transaction ids begin anew in another cluster.',
    command: 'auditrum seal --rebase',
  },
  sealing_unsalted: {
    why: 'What an event says could be guessed from its hash; without any salt, sealing has to write each event anew.',
    command: 'auditrum enable-hash-chain',
  },
  sealing_gone: {
    why: 'What was changed in the log up to now can no longer be told.',
    command: null,
  },
  sealing_cut: {
    why: 'Nothing is sealed any more, and what those entries sealed can be changed unseen.',
    command: null,
  },
  hardening_undone: {
    why: 'The role of the application may have a way to the log again.',
    command: null,
  },
  hardening_incomplete: {
    why: 'The role of the application could change the log, or have changes go unrecorded.',
    command: null,
  },
  table_missing: { why: 'What is declared is not recorded.', command: null },
  table_renamed: {
    why: 'It is recorded all along; only the declaration no longer says where.',
    command: null,
  },
  column_missing: {
    why: 'Events hold the key and what is surely safe to store, no more.',
    command: null,
  },
  tracked_and_waived: { why: 'It is not clear what is wanted.', command: null },
  schema_missing: { why: 'The tables that it may have are not recorded.', command: null },
  excepted_missing: {
    why: 'A table that was to be left out may be recorded, under its new name.',
    command: null,
  },
  waived_missing: { why: 'A table may go unrecorded later, because of its name.', command: null },
  not_tracked: { why: 'Its changes are not recorded.', command: SYNC },
  undeclared: { why: 'It is recorded, and nobody says any more that it is to be.', command: PRUNE },
  declaration_changed: {
    why: 'Changes are recorded as declared before: excluded columns may be stored.',
    command: SYNC,
  },
  trigger_missing: { why: 'Some of its changes, or all, are not recorded.', command: SYNC },
  trigger_disabled: { why: 'Some of its changes, or all, are not recorded.', command: SYNC },
  trigger_altered: { why: 'Some of its changes are not recorded.', command: SYNC },
  trigger_order: {
    why: 'Where that trigger changes the row again, its history ends with the older state.',
    command: null,
  },
  trigger_stray: {
    why: 'Its changes are recorded as those of a table that it is no longer part of.',
    command: SYNC,
  },
  partition_trigger_missing: {
    why: 'Changes that go straight to that partition are not recorded.',
    command: SYNC,
  },
  function_outdated: {
    why: 'Changes are recorded as by the other version.',
    command: SYNC,
  },
  foreign_cast: {
    why: 'Its owner could have functions of his run with the rights of the owner of the log.',
    command: null,
  },
  key_changed: { why: 'Events name the row by its former key.', command: SYNC },
  columns_changed: {
    why: 'What was declared of the former columns may not hold for the new ones.',
    command: SYNC,
  },
  no_key: { why: 'Nobody can ask for the history of one row, nor undo a change.', command: null },
  label_broken: { why: 'People read keys instead of names.', command: null },
  table_dropped: { why: 'A function without a table is of no use.', command: PRUNE },
  drift: {
    why: 'Events hold the key and what is surely safe to store, no more.',
    command: SYNC,
  },
  drift_mended: { why: 'The events of that time lack columns for good.', command: null },
  events_without_context: {
    why: 'They are attributed to nobody. Either somebody tried to have them attributed to others, or contexts were deleted.',
    command: null,
  },
  events_without_actor: {
    why: 'Nobody can tell who made these changes, only by which role.',
    command: null,
  },
  context_errors: {
    why: 'The changes are there, but who made them, or why, is lacking.',
    command: null,
  },
}

import type { RevertConflict } from '../errors.js'
import { decodeRow, decodeValue } from '../read/decode.js'

/** What `revert` has done, or with `dryRun` would do. */
export interface Reversal {
  readonly dryRun: boolean
  /** One for each row, however often it was changed; newest first. */
  readonly steps: readonly RevertStep[]
  /** Rows that were changed since. */
  readonly conflicts: readonly RevertConflict[]
  /** What could not be given back, and why. */
  readonly omitted: readonly RevertOmission[]
  /** All of it as a script for psql, from BEGIN to COMMIT; empty where there is nothing to write. */
  readonly sql: string
}

/** The row that a step or an omission is about. */
interface RevertSubject {
  /** The last of the row's events that are undone. */
  readonly eventId: string
  readonly schema: string
  readonly table: string
  readonly objectId: string | null
}

/** What is done to one row. */
export interface RevertStep extends RevertSubject {
  /** Of the undo itself: a deleted row is inserted. */
  readonly operation: 'insert' | 'update' | 'delete'
  /** The columns that are written. */
  readonly columns: readonly string[]
  /**
   * `planned` in a dry run; `forced`: over a later change; `skipped`: left as it is, for a reason among
   * conflicts and omitted; `unchanged`: it is already as it was.
   */
  readonly outcome: 'done' | 'planned' | 'forced' | 'skipped' | 'unchanged'
  /** What it takes for this row alone; null where it is not written, or ON UPDATE CASCADE does it. */
  readonly sql: string | null
}

/** What cannot be given back. */
export interface RevertOmission extends Omit<RevertSubject, 'eventId'> {
  /** Null where it is the table as a whole. */
  readonly eventId: string | null
  /** Empty where it is the row, or an unknown part of it. */
  readonly columns: readonly string[]
  /**
   * Not in the log: `masked`, `unrecorded` (excluded, outside `only`, virtual), `filtered` (by `when`),
   * `redacted`, `drift`, `lossy`. Not in the table: `dropped`, `unreadable` (as the type of now). Left as
   * it is: `ignored` (changed since). Done by triggers, policies, or with `force` by actions of foreign
   * keys: `trigger` (another value), `kept` (not written, or deleted). The row, or the truncation, cannot be undone: `refused`, `doubt`.
   */
  readonly why:
    | 'masked'
    | 'unrecorded'
    | 'filtered'
    | 'redacted'
    | 'drift'
    | 'lossy'
    | 'dropped'
    | 'unreadable'
    | 'ignored'
    | 'trigger'
    | 'kept'
    | 'refused'
    | 'doubt'
  /** The same as a clause for people. */
  readonly message: string
}

/** A row of sql/undo/undo.sql. */
export interface UndoLine {
  readonly part: 'step' | 'conflict' | 'omitted' | 'sql' | 'refused'
  readonly document: string
}

interface ConflictLine extends RevertConflict {
  readonly type: string | null
  readonly types: Readonly<Record<string, string>> | null
}

export function toReversal(lines: readonly UndoLine[], dryRun: boolean): Reversal {
  const documents = <Document>(wanted: UndoLine['part']): Document[] =>
    lines.filter(({ part }) => part === wanted).map(({ document }) => JSON.parse(document))
  return {
    dryRun,
    steps: documents<RevertStep>('step').map(toStep),
    conflicts: documents<ConflictLine>('conflict').map(toConflict),
    omitted: documents<RevertOmission>('omitted').map(toOmission),
    sql: documents<string>('sql').join(''),
  }
}

// in the order in which people read them, which jsonb does not keep

function toStep(line: RevertStep): RevertStep {
  const { operation, schema, table, objectId, columns, outcome, eventId, sql } = line
  return { operation, schema, table, objectId, columns, outcome, eventId, sql }
}

function toOmission(line: RevertOmission): RevertOmission {
  const { schema, table, objectId, columns, why, message, eventId } = line
  return { schema, table, objectId, columns, why, message, eventId }
}

function toConflict(line: ConflictLine): RevertConflict {
  const { schema, table, objectId, column, referrer, changedBy, eventId, type, types } = line
  const decode = (text: unknown): unknown =>
    types === null ? decodeValue(text as string | null, type) : decodeRow(text as string, types)
  const [expected, present, wanted] = [line.expected, line.present, line.wanted].map(decode)
  return {
    schema,
    table,
    objectId,
    column,
    expected,
    present,
    wanted,
    referrer,
    changedBy,
    eventId,
  }
}

import type { TableName } from './declare/table.js'
import { type Suggestions, type SuggestOptions, suggest } from './observe/costs.js'
import type { Queryable } from './queryable.js'
import {
  type PastRow,
  type PendingPastRows,
  type RowAsOfOptions,
  rowAsOf,
  type TableAsOfOptions,
  tableAsOf,
} from './read/as-of.js'
import { type BlameLine, type BlameOptions, blame } from './read/blame.js'
import { type ChangesOf, type ChangesOptions, changes, type RowChange } from './read/changes.js'
import { type ColumnValue, columnHistory } from './read/column-history.js'
import {
  compareRow,
  compareTable,
  type PendingRowDifferences,
  type RowComparison,
} from './read/compare.js'
import type { AuditEvent, Row } from './read/event.js'
import type { EventFilter, RowId } from './read/filter.js'
import { history, type Page, page } from './read/history.js'
import { label } from './read/label.js'
import { looksLikeMoment, type Moment } from './read/moment.js'
import type { KnownPasts } from './read/past.js'
import { type Verification, type VerifyTablesOptions, verifyTables } from './trust/verify-tables.js'

/** The questions that a log answers, wherever it is read: of an audit, or of a replica. */
export class AuditReader {
  readonly #reader: Queryable
  readonly #schema: string
  #pasts: KnownPasts = new Map()

  constructor(reader: Queryable, schema: string) {
    this.#reader = reader
    this.#schema = schema
  }

  /** Of the same log: what the other has learnt of its tables is known here, too. */
  protected learningWith(other: AuditReader): void {
    this.#pasts = other.#pasts
  }

  /** The schema of the log. */
  get schema(): string {
    return this.#schema
  }

  /** All events that match, newest first, read page by page. */
  history<R extends object = Row>(filter: EventFilter = {}): AsyncIterableIterator<AuditEvent<R>> {
    return history<R>(this.#reader, this.#schema, filter)
  }

  /** One page of events: `next` is the `after` of the next one. */
  async page<R extends object = Row>(filter: EventFilter = {}): Promise<Page<R>> {
    return page<R>(this.#reader, this.#schema, filter)
  }

  /**
   * Who gave each column of a row its present value, latest change first.
   *
   * @example
   * ```ts
   * for (const line of await audit.blame('orders', 42, { labels: true })) {
   *   console.log(line.column, line.label ?? line.value, line.userId, line.changeReason)
   * }
   * ```
   */
  async blame(
    table: string | TableName,
    id: RowId,
    options: BlameOptions = {},
  ): Promise<readonly BlameLine[]> {
    return blame(this.#reader, this.#schema, table, id, options)
  }

  /**
   * What people call a row, as its table declares with `label`; null without one. A row that is gone
   * is called what it was last.
   *
   * @example
   * ```ts
   * console.log(`order ${(await audit.label('orders', 42)) ?? 42}`)
   * ```
   */
  async label(table: string | TableName, id: RowId): Promise<string | null> {
    return label(this.#reader, this.#schema, table, id)
  }

  /**
   * What a transaction, a request or a job changed in the end: for each row its first old and last new
   * values, in the order of the first change. What was undone on the way is left out.
   *
   * @example
   * ```ts
   * for await (const { table, label, objectId, operation, changes } of audit.changes({ root })) {
   *   console.log(operation, table, label ?? objectId, changes)
   * }
   * ```
   */
  changes<R extends object = Row>(
    of: ChangesOf,
    options?: ChangesOptions,
  ): AsyncIterableIterator<RowChange<R>> {
    return changes<R>(this.#reader, this.#schema, of, options)
  }

  /**
   * Which tables and columns make the log grow, and which declarations would make it smaller; told from
   * a sample of the last days.
   *
   * @example
   * ```ts
   * const { bytesPerMonth, suggestions } = await audit.suggest()
   * for (const { message, remedy, saves } of suggestions) console.log(message, remedy, saves)
   * ```
   */
  async suggest(options: SuggestOptions = {}): Promise<Suggestions> {
    return suggest(this.#reader, this.#schema, options)
  }

  /**
   * A row as it was: the one that had this key at that moment, or, if none had, the one that was given
   * it next. Deep-equal to what the driver gives for the live row, with the column names of then; null
   * where there was no such row.
   *
   * @example
   * ```ts
   * const order = await audit.rowAsOf('orders', 42, '2026-11-01T12:00:00+01:00')
   * const { row, complete, since } = await audit.rowAsOf('orders', 42, { event: '4711' }, { details: true })
   * ```
   */
  async rowAsOf<R extends object = Row>(
    table: string | TableName,
    id: RowId,
    at: Moment,
    options: RowAsOfOptions & { readonly details: true },
  ): Promise<PastRow<R>>
  async rowAsOf<R extends object = Row>(
    table: string | TableName,
    id: RowId,
    at: Moment,
    options?: RowAsOfOptions & { readonly details?: false | undefined },
  ): Promise<R | null>
  async rowAsOf<R extends object = Row>(
    table: string | TableName,
    id: RowId,
    at: Moment,
    options?: RowAsOfOptions,
  ): Promise<PastRow<R> | R | null> {
    const found = await rowAsOf<R>(this.#reader, this.#schema, this.#pasts, table, id, at, options)
    return options?.details ? found : found.row
  }

  /**
   * A table as it was, in the order of its key: all rows are of one moment, also where the driver
   * cannot stream and others write meanwhile. Awaited it says what is known of the answer.
   *
   * @example
   * ```ts
   * for await (const account of audit.tableAsOf('accounts', new Date('2026-11-01'))) console.log(account)
   *
   * const accounts = await audit.tableAsOf('accounts', { transaction: '4711' })
   * if (!accounts.complete) console.warn(`Known only since ${accounts.since}`)
   * ```
   */
  tableAsOf<R extends object = Row>(
    table: string | TableName,
    at: Moment,
    options?: TableAsOfOptions,
  ): PendingPastRows<R> {
    return tableAsOf<R>(this.#reader, this.#schema, table, at, options)
  }

  /**
   * The values that a column of a row had, oldest first: since when, until when, by whom and why.
   *
   * @example
   * ```ts
   * for (const { value, since, userId } of await audit.columnHistory('orders', 42, 'status')) {
   *   console.log(value, since, userId)
   * }
   * ```
   */
  async columnHistory(
    table: string | TableName,
    id: RowId,
    column: string,
  ): Promise<readonly ColumnValue[]> {
    return columnHistory(this.#reader, this.#schema, table, id, column)
  }

  /**
   * What differs in a row between two moments, under the column names of the second; without `id` the
   * rows of the table that differ, which say what is known of both moments when awaited, as
   * {@link tableAsOf} does. Rows are followed through changes of their key.
   *
   * @example
   * ```ts
   * const { changes } = await audit.compare('orders', 42, '2026-11-01', new Date())
   * for await (const { id, kind, changes } of audit.compare('orders', '2026-11-01', '2026-12-01')) {
   *   console.log(kind, id, changes)
   * }
   * ```
   */
  compare<R extends object = Row>(
    table: string | TableName,
    id: RowId,
    from: Moment,
    to: Moment,
    options?: TableAsOfOptions,
  ): Promise<RowComparison<R>>
  compare<R extends object = Row>(
    table: string | TableName,
    from: Moment,
    to: Moment,
    options?: TableAsOfOptions,
  ): PendingRowDifferences<R>
  compare<R extends object = Row>(
    table: string | TableName,
    ...args: readonly unknown[]
  ): Promise<RowComparison<R>> | PendingRowDifferences<R> {
    if (args.length > 2 && looksLikeMoment(args[2])) {
      const [id, from, to, options] = args as [RowId, Moment, Moment, TableAsOfOptions | undefined]
      return compareRow<R>(this.#reader, this.#schema, table, id, from, to, options)
    }
    const [from, to, options] = args as [Moment, Moment, TableAsOfOptions | undefined]
    return compareTable<R>(this.#reader, this.#schema, table, from, to, options)
  }

  /**
   * Compares tables with their log, and names the rows whose last change is not in it: because a trigger
   * was disabled, a replica role wrote, or a backup was restored. Each table in one snapshot, by
   * checksums, in the database; nobody waits meanwhile. What the log does not tell is counted as
   * unknown, never guessed.
   *
   * @param tables Tables by name; all that are recorded without it.
   * @throws SchemaError where this role may not read a whole table, its policies (row-level security)
   *   included.
   * @example
   * ```ts
   * const { ok, tables } = await audit.verifyTables()
   * for (const { table, problems } of tables) console.log(table, problems)
   * ```
   */
  async verifyTables(
    tables?: string | TableName | readonly (string | TableName)[],
    options: VerifyTablesOptions = {},
  ): Promise<Verification> {
    return verifyTables(this.#reader, this.#schema, tables, options)
  }
}

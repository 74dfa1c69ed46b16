import { parseTable, quoteTable, type TableName } from '../declare/table.js'
import { type Queryable, rowsOf } from '../queryable.js'
import { quoteIdentifier } from '../sql/quote.js'
import { render } from '../sql/template.js'
import { type RowId, rowIdJson } from './filter.js'
import { type Moment, momentValues, refusedMoment } from './moment.js'

/** What is known of an answer about the past. */
export interface PastDetails {
  /**
   * Whether the log knows all of it: not where the table was tracked only later, with gaps, under a
   * condition (`when`) or another key, was truncated since, or where the log was purged.
   */
  readonly complete: boolean
  /** From when on it knows all, as ISO 8601 in UTC; null where it does not to this day. */
  readonly since: string | null
  /**
   * Columns whose values may be of another time, because a change of these alone is no event: those
   * that are ignored, and those that are not recorded (excluded, masked, outside `only`). What is not
   * recorded is missing from rows that have changed since.
   */
  readonly approximate: readonly string[]
}

/** A table at a moment: what every page of its rows needs. */
export interface Past extends PastDetails {
  readonly trackedId: number
  /** Of the row that was asked for. */
  readonly objectId: string | null
  readonly relation: string | null
  readonly moment: string
  readonly document: string
  readonly columns: readonly string[]
  /** The columns of a record, for the statement that reads rows. */
  readonly definition: string
  /** Whether each row that is known is known whole. */
  readonly completeRows: boolean
  readonly unrecorded: readonly string[]
  /** Where keys of rows were erased after the moment: until when. */
  readonly keysErasedUntil: string | null
  /** Whether every row has its place in the order of the key. */
  readonly ordered: boolean
  /** Whether the present columns are these, so that rows of other moments can be read by it as well. */
  readonly isPlain: boolean
  /** Names of the two columns behind those of the table. */
  readonly missing: string
  readonly place: string
}

/** What was learnt of tables, by their quoted names: the database is asked each time whether it still holds. */
export type KnownPasts = Map<string, Past>

interface PastRecord {
  readonly tracked_id: number
  readonly object_id: string | null
  readonly relation: string | null
  readonly moment: string
  readonly past: string
  readonly since: string | null
  readonly keys_erased_until: string | null
}

interface PastDocument {
  readonly columns: readonly { readonly name: string }[]
  readonly definition: string
  readonly ordered: boolean
  readonly complete: boolean
  readonly complete_rows: boolean
  readonly ignored: readonly string[]
  readonly unrecorded: readonly string[]
  readonly plain?: object | null
}

/** Looks at a table, or a row of it, at a moment. */
export async function pastOf(
  queryable: Queryable,
  schema: string,
  table: string | TableName,
  at: Moment,
  {
    id,
    consistent,
    namedAt,
  }: {
    readonly id?: RowId
    readonly consistent: boolean
    /** The columns of this moment instead. */
    readonly namedAt?: Past
  },
): Promise<Past> {
  const values = [
    quoteTable(parseTable(table)),
    ...momentValues(at),
    consistent,
    id === undefined ? null : rowIdJson(id),
    namedAt?.moment ?? null,
  ]
  const rows = await rowsOf<PastRecord>(queryable, render('read/past', schema), values).catch(
    (error: unknown) => {
      throw refusedMoment(at, error)
    },
  )
  const record = rows[0] as PastRecord
  const document: PastDocument = JSON.parse(record.past)
  const names = document.columns.map(({ name }) => name)
  const missing = freeName('auditrum_missing', names)
  const place = freeName('auditrum_place', names)
  return {
    trackedId: record.tracked_id,
    objectId: record.object_id,
    relation: record.relation,
    moment: record.moment,
    document: record.past,
    columns: names,
    definition: `${document.definition}, ${quoteIdentifier(missing)} text, ${quoteIdentifier(place)} text`,
    complete: document.complete,
    completeRows: document.complete_rows,
    since: record.since,
    approximate: [...document.ignored, ...document.unrecorded],
    unrecorded: document.unrecorded,
    keysErasedUntil: record.keys_erased_until,
    ordered: document.ordered,
    isPlain: document.plain != null,
    missing,
    place,
  }
}

/** A row as it came, and what the statement says of it. */
export interface RowOfThen<R> {
  /** Without the columns whose value is not known. */
  readonly row: R
  readonly missing: readonly string[]
  /** Where the next page begins; of a single row its key. */
  readonly place: string
}

export function toRow<R>(past: Past, record: unknown): RowOfThen<R> {
  const { [past.missing]: missing, [past.place]: place, ...row } = record as Record<string, unknown>
  const names: readonly string[] = missing == null ? [] : JSON.parse(String(missing))
  for (const name of names) delete row[name]
  return { row: row as R, missing: names, place: String(place) }
}

/** The text of a statement that reads rows. */
export function rowsText(
  name: 'read/past_rows' | 'read/past_rows_of' | 'read/row_then',
  schema: string,
  past: Past,
): string {
  return render(name, schema).replace('(:columns)', () => `(${past.definition})`)
}

function freeName(name: string, taken: readonly string[]): string {
  return taken.includes(name) ? freeName(`${name}_`, taken) : name
}

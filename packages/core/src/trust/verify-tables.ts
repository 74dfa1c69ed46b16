import { parseTable, quoteTable, showTable, type TableName } from '../declare/table.js'
import { sqlStateOf, UsageError } from '../errors.js'
import { checkOptions, show } from '../options.js'
import { type Queryable, rowsOf } from '../queryable.js'
import { render } from '../sql/template.js'

/** What `verifyTables` may be told. */
export interface VerifyTablesOptions {
  /**
   * How many rows of each table are named; the rest are counted.
   *
   * @defaultValue 100
   */
  readonly limit?: number | undefined
}

/** A row whose last change is not in the log. */
export interface UnloggedChange {
  /**
   * `unlogged_insert`: the row is there, and the log knows no such row. `unlogged_update`: it is not as
   * its last event left it. `unlogged_delete`: the log says that it is there.
   */
  readonly kind: 'unlogged_insert' | 'unlogged_update' | 'unlogged_delete'
  /** The row's key as events have it; null where the table has no primary key. */
  readonly id: string | null
  /** Of an update, the columns that differ; null otherwise. */
  readonly columns: readonly string[] | null
  /** The last event that the log has of the row; null without one. */
  readonly eventId: string | null
  /** When that was, as ISO 8601 in UTC: the change came later. */
  readonly after: string | null
  /** Whether the log itself says that recording was interrupted since then. */
  readonly gap: boolean
}

/** How a table compares with its log. */
export interface TableVerification {
  /** As `schema.name`. */
  readonly table: string
  /** How many rows it has: those that are verified, partial or unknown, and those that are named as there. */
  readonly rows: number
  /** Rows that are as the log says. */
  readonly verified: number
  /** Rows that are as the log says, which does not tell all of their columns. */
  readonly partial: number
  /** Rows of which the log does not tell: without an event, or where a condition (`when`) may explain it. */
  readonly unknown: number
  /** Whether every row is accounted for, those that are gone as well. */
  readonly complete: boolean
  /** Columns that were not compared, in some or all rows: ignored, not recorded, added or retyped since. */
  readonly approximate: readonly string[]
  readonly problems: readonly UnloggedChange[]
  /** How many further problems there are than are named. */
  readonly more: number
  /** Why the table could not be compared, where others could: this role may not read it; null where it was. */
  readonly unreadable: string | null
}

/** What `verifyTables` found. */
export interface Verification {
  /** Whether every table was compared, and no change found that is not in the log. */
  readonly ok: boolean
  readonly tables: readonly TableVerification[]
}

type Answer = Omit<TableVerification, 'problems' | 'unreadable'> & {
  readonly problems: readonly (Omit<UnloggedChange, 'eventId' | 'after'> & {
    readonly event: string | null
    readonly at: string | null
  })[]
}

/** Compares tables with what their log says of them, each in one snapshot. */
export async function verifyTables(
  queryable: Queryable,
  schema: string,
  tables: string | TableName | readonly (string | TableName)[] | undefined,
  options: VerifyTablesOptions,
): Promise<Verification> {
  checkOptions('verifyTables', options, ['limit'])
  const { limit = 100 } = options
  if (!Number.isSafeInteger(limit) || limit < 0 || limit > 1_000_000) {
    throw new UsageError(`limit: ${show(limit)} is no number of rows. Give one from 0 to 1000000.`)
  }
  const wanted =
    tables === undefined
      ? await rowsOf<Wanted>(queryable, render('read/tracked_tables', schema), [])
      : [tables].flat().map((table: string | TableName): Wanted => {
          const name = parseTable(table)
          return { name: quoteTable(name), shown: showTable(name) }
        })
  const verified: TableVerification[] = []
  let refused: unknown
  for (const { name, shown } of wanted) {
    const values = [name, limit]
    try {
      const [row] = await rowsOf<{ answer: string }>(
        queryable,
        render('read/verify_table', schema),
        values,
      )
      verified.push(toVerification(JSON.parse(row?.answer ?? '{}')))
    } catch (error) {
      // in a transaction of the caller's the others fail because of the first
      if (refused !== undefined && sqlStateOf(error) === TRANSACTION_FAILED) throw refused
      if (sqlStateOf(error) !== INSUFFICIENT_PRIVILEGE) throw error
      refused ??= error
      verified.push({ ...NOTHING, table: shown, unreadable: (error as Error).message })
    }
  }
  if (refused !== undefined && verified.every(({ unreadable }) => unreadable !== null))
    throw refused
  return {
    ok: verified.every(
      (each) => each.problems.length + each.more === 0 && each.unreadable === null,
    ),
    tables: verified,
  }
}

/** A table as SQL names it, and as people read it. */
interface Wanted {
  readonly name: string
  readonly shown: string
}

const INSUFFICIENT_PRIVILEGE = '42501'
const TRANSACTION_FAILED = '25P02'

/** Of a table that was not compared. */
const NOTHING = {
  rows: 0,
  verified: 0,
  partial: 0,
  unknown: 0,
  complete: false,
  approximate: [],
  problems: [],
  more: 0,
}

function toVerification({ problems, ...rest }: Answer): TableVerification {
  return {
    ...rest,
    unreadable: null,
    problems: problems.map(({ kind, id, columns, event, at, gap }) => ({
      kind,
      id,
      columns,
      eventId: event,
      after: at,
      gap,
    })),
  }
}

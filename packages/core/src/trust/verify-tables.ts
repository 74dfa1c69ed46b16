import { parseTable, quoteTable, type TableName } from '../declare/table.js'
import { UsageError } from '../errors.js'
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
}

/** What `verifyTables` found. */
export interface Verification {
  /** Whether no change was found that is not in the log. */
  readonly ok: boolean
  readonly tables: readonly TableVerification[]
}

type Answer = Omit<TableVerification, 'problems'> & {
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
  const names =
    tables === undefined
      ? (await rowsOf<{ name: string }>(queryable, render('read/tracked_tables', schema), [])).map(
          ({ name }) => name,
        )
      : (Array.isArray(tables) ? tables : [tables]).map((table: string | TableName) =>
          quoteTable(parseTable(table)),
        )
  const verified: TableVerification[] = []
  for (const name of names) {
    const [row] = await rowsOf<{ answer: string }>(queryable, render('read/verify_table', schema), [
      name,
      limit,
    ])
    verified.push(toVerification(JSON.parse(row?.answer ?? '{}')))
  }
  return {
    ok: verified.every(({ problems, more }) => problems.length + more === 0),
    tables: verified,
  }
}

function toVerification({ problems, ...rest }: Answer): TableVerification {
  return {
    ...rest,
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

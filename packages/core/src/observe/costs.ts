import { UsageError } from '../errors.js'
import { checkOptions, show } from '../options.js'
import { type Queryable, rowsOf } from '../queryable.js'
import { quoteIdentifier } from '../sql/quote.js'

/** How fast the events of a table grow, as a sample of the last days tells. Bytes are with indexes. */
export interface TableGrowth {
  /** As `schema.table`. */
  readonly table: string
  readonly eventsPerDay: number
  readonly bytesPerEvent: number
  /** In 30 days, with the contexts of these events. */
  readonly bytesPerMonth: number
  /** What it takes once its retention lets go of as much as comes in; null where that is for ever. */
  readonly bytesKept: number | null
}

/** What the events of a table take. */
export interface TableCost extends TableGrowth {
  /** The costly ones first. */
  readonly columns: readonly ColumnCost[]
}

export interface ColumnCost {
  readonly column: string
  readonly bytesPerMonth: number
  /** Of these, what updates repeated that did not change the column: `image: 'changed'` saves it. */
  readonly repeatedPerMonth: number
  /** The share of the table's updates, from 0 to 1, that changed nothing but this column. */
  readonly changedAlone: number
}

/** Where the log grows, and how fast. */
export interface Growth {
  /** The days that were looked at: 30, or less where the log is younger. */
  readonly days: number
  /** Events in the sample. */
  readonly sampled: number
  /** What the log grows by in 30 days. */
  readonly bytesPerMonth: number
  /** The costly ones first. */
  readonly tables: readonly TableGrowth[]
}

/** A declaration that would make the log smaller. */
export interface Suggestion {
  readonly table: string
  /**
   * - `image`: updates repeat columns that they did not change; nothing is lost.
   * - `ignore`: many updates change nothing but this column, which holds a time.
   * - `exclude`: this column is most of what is stored.
   */
  readonly kind: 'image' | 'ignore' | 'exclude'
  /** Null where it is about the whole table. */
  readonly column: string | null
  /** Of 30 days, in bytes. */
  readonly saves: number
  /** What was seen. */
  readonly message: string
  /** What to declare, and what is lost by it. */
  readonly remedy: string
}

/** What `suggest` tells. */
export interface Suggestions extends Growth {
  readonly tables: readonly TableCost[]
  /** Those by which nothing is lost first, then those that save most. */
  readonly suggestions: readonly Suggestion[]
}

/** What `suggest` may be told. */
export interface SuggestOptions {
  /**
   * How many days to look at.
   *
   * @defaultValue `30`
   */
  readonly days?: number | undefined
}

interface CostsDocument {
  readonly days: number
  readonly events: number
  readonly contexts: number
  readonly tables: readonly {
    readonly table: string
    readonly declaration: Readonly<Record<string, unknown>>
    readonly kept: number | null
    readonly per_day: number
    readonly bytes: number
    readonly updates: number
    readonly columns:
      | readonly {
          readonly column: string
          readonly bytes: number
          readonly repeated: number
          readonly alone: number
          readonly is_time: boolean
        }[]
      | null
  }[]
}

const MONTH = 30
/** Below a fifth of a table it is not worth a thought. */
const WORTH = 0.2
/** Sampled events of a table, below which its shares are chance. */
const ENOUGH = 100

/** Where the log grows, and which declarations would make it smaller. */
export async function suggest(
  queryable: Queryable,
  schema: string,
  options: SuggestOptions = {},
): Promise<Suggestions> {
  checkOptions('suggest', options, ['days'])
  const { days = 30 } = options
  if (!Number.isSafeInteger(days) || days < 1 || days > 3650) {
    throw new UsageError(`days: ${show(days)} is no span. Give a whole number from 1 to 3650.`)
  }
  const document = await readCosts(queryable, schema, days, true)
  const tables = document.tables.map(
    (each): TableCost => Object.freeze({ ...growthOf(each, document), columns: columnsOf(each) }),
  )
  const suggestions = document.tables
    .flatMap((table, index) => suggestionsFor(table, tables[index] as TableCost, document))
    .sort((a, b) => Number(b.kind === 'image') - Number(a.kind === 'image') || b.saves - a.saves)
  return Object.freeze({ ...total(document, tables), tables, suggestions })
}

/** Where the log grows, and how fast. */
export async function growth(queryable: Queryable, schema: string): Promise<Growth> {
  const document = await readCosts(queryable, schema, 30, false)
  const tables = document.tables.map((each) => growthOf(each, document))
  return Object.freeze({ ...total(document, tables), tables })
}

async function readCosts(
  queryable: Queryable,
  schema: string,
  days: number,
  byColumn: boolean,
): Promise<CostsDocument> {
  const text = `SELECT ${quoteIdentifier(schema)}.log_costs(pg_catalog.make_interval(days => $1::integer), $2::boolean)::text AS costs`
  const [row] = await rowsOf<{ costs: string }>(queryable, text, [days, byColumn])
  return JSON.parse(row?.costs ?? '')
}

function total({ days, events }: CostsDocument, tables: readonly TableGrowth[]) {
  const bytesPerMonth = tables.reduce((sum, each) => sum + each.bytesPerMonth, 0)
  return { days, sampled: events, bytesPerMonth }
}

function growthOf(
  { table, per_day, bytes, kept }: CostsDocument['tables'][number],
  { contexts }: CostsDocument,
): TableGrowth {
  const perDay = per_day * bytes * (1 + contexts)
  return Object.freeze({
    table,
    eventsPerDay: per_day,
    bytesPerEvent: bytes,
    bytesPerMonth: Math.round(perDay * MONTH),
    bytesKept: kept === null ? null : Math.round(perDay * kept),
  })
}

function columnsOf({ columns, per_day }: CostsDocument['tables'][number]): readonly ColumnCost[] {
  return (columns ?? []).map((each) =>
    Object.freeze({
      column: each.column,
      bytesPerMonth: Math.round(each.bytes * per_day * MONTH),
      repeatedPerMonth: Math.round(each.repeated * per_day * MONTH),
      changedAlone: each.alone,
    }),
  )
}

function suggestionsFor(
  { declaration, updates, per_day, bytes, columns }: CostsDocument['tables'][number],
  cost: TableCost,
  { events, tables }: CostsDocument,
): readonly Suggestion[] {
  const { table } = cost
  const all = tables.reduce((sum, each) => sum + each.per_day, 0)
  if ((events * per_day) / all < ENOUGH) return []
  const month = bytes * per_day * MONTH
  const quoted = `track(${JSON.stringify(table)}, …)`
  const repeated = cost.columns.reduce((sum, each) => sum + each.repeatedPerMonth, 0)
  const found: Suggestion[] = []
  if (declaration.image !== 'changed' && repeated > WORTH * month) {
    found.push({
      table,
      kind: 'image',
      column: null,
      saves: repeated,
      message: `${percent(repeated / month)} of what ${table} takes are values that an update did not change`,
      remedy: `Declare image: 'changed' in ${quoted}. Nothing is lost; an event then shows only what changed.`,
    })
  }
  const ignored: readonly unknown[] = Array.isArray(declaration.ignore) ? declaration.ignore : []
  for (const [index, each] of cost.columns.entries()) {
    // what is no time may be what the log is for: a balance, a status
    const isTime = columns?.[index]?.is_time ?? false
    if (isTime && each.changedAlone * updates > WORTH && !ignored.includes(each.column)) {
      found.push({
        table,
        kind: 'ignore',
        column: each.column,
        saves: Math.round(cost.bytesPerMonth * each.changedAlone * updates),
        message: `${percent(each.changedAlone)} of the updates of ${table} change nothing but ${each.column}`,
        remedy: `Declare ignore: [${JSON.stringify(each.column)}] in ${quoted}, if nobody asks who did that: such changes are then no events.`,
      })
    }
    if (each.bytesPerMonth > 2 * WORTH * month && each.bytesPerMonth / per_day / MONTH > 500) {
      found.push({
        table,
        kind: 'exclude',
        column: each.column,
        saves: each.bytesPerMonth,
        message: `${each.column} is ${percent(each.bytesPerMonth / month)} of what ${table} takes`,
        remedy: `Declare exclude: [${JSON.stringify(each.column)}] in ${quoted}, if its history is not needed: it is then stored nowhere, and cannot be restored.`,
      })
    }
  }
  return found.map((each) => Object.freeze(each))
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`
}

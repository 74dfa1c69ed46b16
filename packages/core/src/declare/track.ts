import { DeclarationError } from '../errors.js'
import { didYouMean, isPlainObject, show } from '../options.js'
import { parseTable, showTable, type TableName } from './table.js'

/** SQL conditions over OLD and NEW, per operation; an operation without one is always recorded. */
export interface WhenByOperation {
  /** Over NEW: an insert has no OLD. */
  readonly insert?: string | undefined
  readonly update?: string | undefined
  /** Over OLD: a delete has no NEW. */
  readonly delete?: string | undefined
}

/** What to record of a table. Columns by their names in the database. */
export interface TrackOptions {
  /** Record these columns and the key; no other value is stored anywhere. */
  readonly only?: readonly string[] | undefined
  /** Record all columns but these; their values are stored nowhere. */
  readonly exclude?: readonly string[] | undefined
  /** Stored, but a change of these alone is no event: `updated_at`, counters. */
  readonly ignore?: readonly string[] | undefined
  /** That it changed is recorded, the value is stored nowhere. */
  readonly mask?: readonly string[] | undefined
  /**
   * SQL over OLD and NEW, trusted as it stands; an event is written unless it is false. Where it can
   * no longer be evaluated, because a column was renamed, events are written and carry `drift`.
   *
   * @example `'OLD.is_active OR NEW.is_active'`
   */
  readonly when?: string | WhenByOperation | undefined
  /** Columns that are copied into the event's `meta`, such as a tenant. */
  readonly meta?: readonly string[] | undefined
  /**
   * What an update's event holds of the new row: all of it, so that the event explains itself, or
   * the key and what changed.
   *
   * @defaultValue the audit's own, else `'full'`
   */
  readonly image?: 'full' | 'changed' | undefined
  /**
   * Refuses a write whose transaction has no context (`true`), no `user_id` in it (`'actor'`) or no
   * `change_reason` (`'reason'`), with SQLSTATE `AU001`.
   *
   * @defaultValue `false`
   */
  readonly requireContext?: boolean | 'actor' | 'reason' | undefined
  /** A column, or SQL over the recorded columns with functions of pg_catalog, that names the row for people. */
  readonly label?: string | undefined
  /**
   * How long its events are kept, in calendar units: `'2 years'`, `'1 year 6 months'`, `'90 days'`; or
   * `'forever'`, which a purge of all tables leaves alone, too. What is older goes by `maintain()`.
   *
   * @defaultValue the audit's own, else none: until somebody purges
   */
  readonly retention?: string | undefined
}

/** A tracked table as declared: a frozen plain value. */
export interface Declaration {
  readonly kind: 'track'
  readonly table: TableName
  readonly options: TrackOptions
}

/** A table that is deliberately not tracked, so that `check()` does not name it. */
export interface Waiver {
  readonly kind: 'waive'
  readonly table: TableName
  readonly reason: string
}

/** Every table of a schema, but those named. */
export interface TrackAll {
  readonly kind: 'trackAll'
  readonly schema: string
  readonly except: readonly TableName[]
  readonly options: TrackOptions
}

/** Which tables {@link trackAll} declares, and what to record of each. */
export interface TrackAllOptions extends TrackOptions {
  /** @defaultValue `'public'` */
  readonly schema?: string | undefined
  /** Tables of that schema to leave out. */
  readonly except?: readonly (string | TableName)[] | undefined
}

/** Everything that may stand in the list of tables. */
export type Entry = Declaration | TrackAll | Waiver

const columnLists = ['only', 'exclude', 'ignore', 'mask', 'meta'] as const
const knownOptions: readonly string[] = [
  ...columnLists,
  'when',
  'image',
  'requireContext',
  'label',
  'retention',
]

/**
 * Declares a table as tracked.
 *
 * @param table `'orders'` (found by the connection's search_path when synced), `'billing.invoices'`,
 *   or `{ schema, table }` for names with dots.
 * @throws DeclarationError where the options contradict each other. What depends on the table itself
 *   (unknown columns, key columns that are excluded) is refused by `sync`, before anything changes.
 * @example
 * ```ts
 * track('billing.invoices', { exclude: ['card_number'], ignore: ['updated_at'], mask: ['iban'] })
 * ```
 */
export function track(table: string | TableName, options: TrackOptions = {}): Declaration {
  const name = parseTable(table)
  return Object.freeze({
    kind: 'track',
    table: name,
    options: checkTrackOptions(showTable(name), options),
  })
}

/**
 * Declares every table of a schema as tracked, those that are created later included (from the next
 * `sync` on). Partitions follow their partitioned table. A `track` of one of the tables wins.
 */
export function trackAll(options: TrackAllOptions = {}): TrackAll {
  if (!isPlainObject(options)) {
    throw new DeclarationError(
      `trackAll was given ${show(options)}. Give an object: trackAll({ schema: 'public', except: ['cache'] }).`,
    )
  }
  const { schema = 'public', except = [], ...others } = options
  if (typeof schema !== 'string' || schema === '') {
    throw new DeclarationError(
      `trackAll was given schema: ${show(schema)}. Give the name of one schema.`,
    )
  }
  if (!Array.isArray(except)) {
    throw new DeclarationError(
      `trackAll was given except: ${show(except)}. Give a list of tables: except: ['cache'].`,
    )
  }
  const excepted = (except as readonly (string | TableName)[]).map((name) =>
    Object.freeze({ schema, ...parseTable(name) }),
  )
  const elsewhere = excepted.find((name) => name.schema !== schema)
  if (elsewhere) {
    throw new DeclarationError(
      `trackAll of the schema "${schema}" excepts ${showTable(elsewhere)}, which is in another one. Name tables of ${schema}, or waive that table.`,
    )
  }
  return Object.freeze({
    kind: 'trackAll',
    schema: parseTable({ table: schema }).table,
    except: Object.freeze(excepted),
    options: checkTrackOptions(`every table of ${schema}`, others, ['schema', 'except']),
  })
}

/**
 * Declares that a table is not tracked on purpose, and why. The table may be one that a later
 * migration creates: `status` tells of a waiver whose table does not exist.
 *
 * @throws DeclarationError where there is no reason.
 */
export function waive(table: string | TableName, reason: string): Waiver {
  const name = parseTable(table)
  if (typeof reason !== 'string' || reason.trim() === '') {
    throw new DeclarationError(
      `The waiver of ${showTable(name)} has the reason ${show(reason)}. Say in words why the table is not tracked.`,
    )
  }
  return Object.freeze({ kind: 'waive', table: name, reason })
}

/**
 * Checks what stands in a list of tables, also where no compiler did: written by hand or read from
 * JSON, it is what the function of its kind would give.
 */
export function checkEntry(entry: unknown, where: string): Entry {
  if (isPlainObject(entry)) {
    const { kind, table, options, schema, except, reason } = entry
    if (kind === 'track') return track(table as TableName, options as TrackOptions)
    if (kind === 'waive') return waive(table as TableName, reason as string)
    if (kind === 'trackAll') {
      return trackAll({ ...(options as TrackOptions), schema, except } as TrackAllOptions)
    }
  }
  const remedy =
    typeof entry === 'string'
      ? `Write track(${show(entry)})`
      : Array.isArray(entry)
        ? 'Spread a list into the one around it'
        : 'Give what track, trackAll or waive returns'
  throw new DeclarationError(`${where} is ${show(entry)}, which declares nothing. ${remedy}.`)
}

/** The options as the database stores them: only what was given, columns sorted, so that equal declarations are equal. */
function checkTrackOptions(
  subject: string,
  options: TrackOptions,
  beside: readonly string[] = [],
): TrackOptions {
  const refuse = (what: string, remedy: string): never => {
    throw new DeclarationError(`The declaration of ${subject} ${what}. ${remedy}.`)
  }
  if (!isPlainObject(options)) {
    refuse(`has the options ${show(options)}`, `Give an object, such as { exclude: ['secret'] }`)
  }
  const known = [...beside, ...knownOptions]
  for (const option of Object.keys(options)) {
    if (!known.includes(option)) {
      const remedy = didYouMean(option, known) ?? `The options are ${known.join(', ')}.`
      throw new DeclarationError(
        `The declaration of ${subject} has an unknown option "${option}". ${remedy}`,
      )
    }
  }
  const checked: Record<string, unknown> = {}
  for (const option of columnLists) {
    const columns: unknown = options[option]
    if (columns === undefined) continue
    if (
      !Array.isArray(columns) ||
      columns.length === 0 ||
      !columns.every((name) => typeof name === 'string' && name !== '')
    ) {
      refuse(`has ${option}: ${show(columns)}`, 'Give a list of at least one column name')
    }
    checked[option] = Object.freeze([...new Set(columns as string[])].sort())
  }
  if (options.only && options.exclude) {
    refuse(
      'has both only and exclude',
      'Name the columns to record, or those to leave out, not both',
    )
  }
  for (const secret of ['exclude', 'mask'] as const) {
    for (const other of ['ignore', 'meta', 'mask'] as const) {
      const both =
        secret !== other && options[secret]?.find((name) => options[other]?.includes(name))
      if (both) {
        refuse(
          `names the column "${both}" in both ${secret} and ${other}`,
          'Its value is stored nowhere: name it in one of the two',
        )
      }
    }
  }
  const { when, image, requireContext, label, retention } = options
  if (when !== undefined) checked.when = checkWhen(when, refuse)
  if (image !== undefined) {
    if (image !== 'full' && image !== 'changed')
      refuse(`has image: ${show(image)}`, "An image is 'full' or 'changed'")
    checked.image = image
  }
  if (requireContext !== undefined && requireContext !== false) {
    if (![true, 'actor', 'reason'].includes(requireContext)) {
      refuse(`has requireContext: ${show(requireContext)}`, "It is true, 'actor' or 'reason'")
    }
    checked.requireContext = requireContext
  }
  if (label !== undefined) {
    if (typeof label !== 'string' || label.trim() === '')
      refuse(`has label: ${show(label)}`, 'Give a column, or SQL over the columns of the row')
    checked.label = label
  }
  if (retention !== undefined) {
    if (!isRetention(retention)) refuse(`has retention: ${show(retention)}`, RETENTION_REMEDY)
    checked.retention = retention
  }
  return Object.freeze(checked)
}

/** What to give where {@link isRetention} says no. */
export const RETENTION_REMEDY =
  "Give a time such as '2 years', '1 year 6 months' or '90 days', at most 1000 years, or 'forever'"

/** In days, as PostgreSQL compares intervals. */
const UNITS = { hour: 1 / 24, day: 1, week: 7, month: 30, year: 360 }
const LONGEST = 1000 * UNITS.year

/**
 * Whether a value says how long events are kept: in words whose meaning no setting of a session changes,
 * as functions/is_span.sql takes them.
 */
export function isRetention(value: unknown): value is string {
  if (value === 'forever') return true
  const part = '[1-9]\\d{0,4} (hour|day|week|month|year)s?'
  if (typeof value !== 'string' || !new RegExp(`^${part}( ${part}){0,4}$`).test(value)) return false
  const parts = value.matchAll(/(\d+) (hour|day|week|month|year)/g)
  const days = Array.from(
    parts,
    ([, number, unit]) => Number(number) * UNITS[unit as keyof typeof UNITS],
  )
  return days.reduce((sum, each) => sum + each, 0) <= LONGEST
}

function checkWhen(
  when: unknown,
  refuse: (what: string, remedy: string) => never,
): string | WhenByOperation {
  const isText = (value: unknown): value is string =>
    typeof value === 'string' && value.trim() !== ''
  if (isText(when)) return when
  const entries = isPlainObject(when)
    ? Object.entries(when).filter(([, sql]) => sql !== undefined)
    : []
  if (
    entries.length === 0 ||
    !entries.every(
      ([operation, sql]) => ['insert', 'update', 'delete'].includes(operation) && isText(sql),
    )
  ) {
    refuse(
      `has when: ${show(when)}`,
      'Give SQL over OLD and NEW, or { insert, update, delete } of it',
    )
  }
  return Object.freeze(Object.fromEntries(entries))
}

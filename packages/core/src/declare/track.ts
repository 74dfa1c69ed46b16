import { DeclarationError } from '../errors.js'
import { parseTable, showTable, type TableName } from './table.js'

/** SQL conditions over OLD and NEW, per operation; an operation without one is always recorded. */
export interface WhenByOperation {
  readonly insert?: string
  readonly update?: string
  readonly delete?: string
}

/** What to record of a table. Columns by their names in the database. */
export interface TrackOptions {
  /** Record these columns and the key; no other value is stored anywhere. */
  readonly only?: readonly string[]
  /** Record all columns but these; their values are stored nowhere. */
  readonly exclude?: readonly string[]
  /** Stored, but a change of these alone is no event: `updated_at`, counters. */
  readonly ignore?: readonly string[]
  /** That it changed is recorded, the value is stored nowhere. */
  readonly mask?: readonly string[]
  /**
   * SQL over OLD and NEW, trusted as it stands; an event is written unless it is false. Where it can
   * no longer be evaluated, because a column was renamed, events are written and carry `drift`.
   *
   * @example `'OLD.is_active OR NEW.is_active'`
   */
  readonly when?: string | WhenByOperation
  /** Columns that are copied into the event's `meta`, such as a tenant. */
  readonly meta?: readonly string[]
  /**
   * What an update's event holds of the new row: all of it, so that the event explains itself, or
   * the key and what changed. Default: the audit's own, else `'full'`.
   */
  readonly image?: 'full' | 'changed'
  /**
   * Refuses a write whose transaction has no context (`true`), no `user_id` in it (`'actor'`) or no
   * `change_reason` (`'reason'`), with SQLSTATE `AU001`.
   */
  readonly requireContext?: boolean | 'actor' | 'reason'
  /** A column, or SQL over the row's columns, that names the row for people. */
  readonly label?: string
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

const columnLists = ['only', 'exclude', 'ignore', 'mask', 'meta'] as const
const knownOptions: readonly string[] = [...columnLists, 'when', 'image', 'requireContext', 'label']

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
    options: checkOptions(showTable(name), options),
  })
}

/**
 * Declares every table of a schema as tracked, those that are created later included (from the next
 * `sync` on). Partitions follow their partitioned table. A `track` of one of the tables wins.
 */
export function trackAll({
  schema = 'public',
  except = [],
  ...options
}: {
  readonly schema?: string
  readonly except?: readonly (string | TableName)[]
} & TrackOptions = {}): TrackAll {
  return Object.freeze({
    kind: 'trackAll',
    schema: parseTable({ table: schema }).table,
    except: Object.freeze(except.map(parseTable).map((name) => Object.freeze({ schema, ...name }))),
    options: checkOptions(`every table of ${schema}`, options),
  })
}

/** Declares that a table is not tracked on purpose, and why. */
export function waive(table: string | TableName, reason: string): Waiver {
  return Object.freeze({ kind: 'waive', table: parseTable(table), reason })
}

/** The options as the database stores them: only what was given, columns sorted, so that equal declarations are equal. */
function checkOptions(subject: string, options: TrackOptions): TrackOptions {
  const refuse = (what: string, remedy: string): never => {
    throw new DeclarationError(`The declaration of ${subject} ${what}. ${remedy}.`)
  }
  for (const option of Object.keys(options)) {
    if (!knownOptions.includes(option)) {
      refuse(`has an unknown option "${option}"`, `The options are ${knownOptions.join(', ')}`)
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
      refuse(`has ${option}: ${JSON.stringify(columns)}`, 'Give a list of at least one column name')
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
  const { when, image, requireContext, label } = options
  if (when !== undefined) checked.when = checkWhen(when, refuse)
  if (image !== undefined) {
    if (image !== 'full' && image !== 'changed')
      refuse(`has image: ${JSON.stringify(image)}`, "An image is 'full' or 'changed'")
    checked.image = image
  }
  if (requireContext !== undefined && requireContext !== false) {
    if (![true, 'actor', 'reason'].includes(requireContext)) {
      refuse(
        `has requireContext: ${JSON.stringify(requireContext)}`,
        "It is true, 'actor' or 'reason'",
      )
    }
    checked.requireContext = requireContext
  }
  if (label !== undefined) {
    if (typeof label !== 'string' || label.trim() === '')
      refuse('has an empty label', 'Give a column or an SQL expression')
    checked.label = label
  }
  return Object.freeze(checked)
}

function checkWhen(
  when: unknown,
  refuse: (what: string, remedy: string) => never,
): string | WhenByOperation {
  const isText = (value: unknown): value is string =>
    typeof value === 'string' && value.trim() !== ''
  if (isText(when)) return when
  const entries = typeof when === 'object' && when !== null ? Object.entries(when) : []
  if (
    entries.length === 0 ||
    !entries.every(
      ([operation, sql]) => ['insert', 'update', 'delete'].includes(operation) && isText(sql),
    )
  ) {
    refuse(
      `has when: ${JSON.stringify(when)}`,
      'Give SQL over OLD and NEW, or { insert, update, delete } of it',
    )
  }
  return Object.freeze(Object.fromEntries(entries))
}

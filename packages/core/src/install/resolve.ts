import { isDeepStrictEqual } from 'node:util'
import { nearest } from '../declare/nearest.js'
import { quoteTable, showTable, type TableName } from '../declare/table.js'
import type { Declaration, TrackAll, TrackOptions, Waiver } from '../declare/track.js'
import { DeclarationError } from '../errors.js'
import type { Queryable } from '../queryable.js'
import { type Catalogue, readCatalogue, readTableNames, type Table } from './catalogue.js'

/** Everything that may stand in the list of tables. */
export type Entry = Declaration | TrackAll | Waiver

/** A declaration together with the table that it means. */
export interface Wanted {
  readonly oid: string
  readonly table: Table
  readonly options: TrackOptions
}

/** Reads the catalogue for these entries. */
export function readFor(
  queryable: Queryable,
  schema: string,
  entries: readonly Entry[],
): Promise<Catalogue> {
  return readCatalogue(queryable, schema, {
    tables: entries
      .filter((entry) => entry.kind === 'track')
      .map((entry) => quoteTable(entry.table)),
    schemas: entries.filter((entry) => entry.kind === 'trackAll').map((entry) => entry.schema),
  })
}

/**
 * Finds the table of each declaration, and refuses what does not fit, all of it before anything is
 * changed.
 *
 * @throws DeclarationError for unknown tables and columns (with the nearest name there is), tables
 *   that are views, temporary or partitions, key columns that are excluded or masked.
 */
export async function resolve(
  queryable: Queryable,
  schema: string,
  entries: readonly Entry[],
  catalogue: Catalogue,
): Promise<readonly Wanted[]> {
  const wanted = new Map<string, Wanted>()
  for (const entry of entries) {
    if (entry.kind !== 'track') continue
    const oid = catalogue.declared[quoteTable(entry.table)]
    const table = oid == null ? undefined : catalogue.tables[oid]
    if (oid == null || !table) throw await unknownTable(queryable, schema, entry.table)
    const earlier = wanted.get(oid)
    if (earlier && !isDeepStrictEqual(earlier.options, entry.options)) {
      throw new DeclarationError(
        `Table ${showTable(table)} is declared twice, differently. Declare it once.`,
      )
    }
    wanted.set(oid, { oid, table, options: checkAgainst(table, entry.options, schema) })
  }
  for (const entry of entries) {
    if (entry.kind !== 'trackAll') continue
    for (const oid of catalogue.swept) {
      const table = catalogue.tables[oid]
      if (!table || table.schema !== entry.schema || wanted.has(oid)) continue
      if (entry.except.some((name) => matches(name, table))) continue
      if (entries.some((other) => other.kind === 'waive' && matches(other.table, table))) continue
      wanted.set(oid, { oid, table, options: checkAgainst(table, entry.options, schema) })
    }
  }
  return [...wanted.values()]
}

/** Whether a declared name means this table, where the search_path is not asked: `orders` is then any schema's. */
export function matches(
  name: TableName,
  table: { readonly schema: string; readonly table: string },
): boolean {
  return name.table === table.table && (name.schema === undefined || name.schema === table.schema)
}

/** Two sentences about a column that is not there. */
export function unknownColumn(table: Table, column: string, option: string): string {
  const near = nearest(column, table.columns)
  return `Table ${showTable(table)} has no column "${column}", which ${option} names. ${
    near ? `Did you mean "${near}"?` : `Its columns are ${table.columns.join(', ')}.`
  }`
}

/** The first declared name that the table lacks. */
export function missingColumn(
  table: Table,
  options: TrackOptions,
): { readonly column: string; readonly option: string } | undefined {
  for (const option of ['only', 'exclude', 'ignore', 'mask', 'meta'] as const) {
    const column = options[option]?.find((name) => !table.columns.includes(name))
    if (column !== undefined) return { column, option }
  }
  return undefined
}

function checkAgainst(table: Table, options: TrackOptions, schema: string): TrackOptions {
  const name = showTable(table)
  const refuse = (message: string): never => {
    throw new DeclarationError(message)
  }
  if (table.kind !== 'r' && table.kind !== 'p') {
    refuse(
      `${name} is not a table. Track the tables below it: only tables have row triggers on every change.`,
    )
  }
  if (table.isTemporary)
    refuse(`${name} is a temporary table. Track tables that outlive the session.`)
  if (table.isPartition) {
    refuse(
      `${name} is a partition. Track the partitioned table: changes made straight to a partition are recorded too.`,
    )
  }
  if (
    table.schema === schema ||
    table.schema === 'information_schema' ||
    table.schema.startsWith('pg_')
  ) {
    refuse(
      `${name} belongs to the schema ${table.schema}, which cannot be tracked. Track tables of the application.`,
    )
  }
  const missing = missingColumn(table, options)
  if (missing) refuse(unknownColumn(table, missing.column, missing.option))
  for (const option of ['exclude', 'mask'] as const) {
    const key = options[option]?.find((column) => table.key.includes(column))
    if (key !== undefined) {
      refuse(
        `Column "${key}" is in the primary key of ${name} and cannot be in ${option}. An event must say which row it is about: leave the key columns out of the list.`,
      )
    }
  }
  return options
}

async function unknownTable(
  queryable: Queryable,
  schema: string,
  name: TableName,
): Promise<DeclarationError> {
  const known = (await readTableNames(queryable, schema)).map(showTable)
  const shown = showTable(name)
  const near = nearest(shown, known) ?? nearest(`public.${shown}`, known)
  const remedy = near
    ? `Did you mean "${near}"?`
    : 'Create it first, or name its schema if that is not in the search_path.'
  return new DeclarationError(`There is no table "${shown}". ${remedy}`)
}

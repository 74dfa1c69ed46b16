import { isDeepStrictEqual } from 'node:util'
import { quoteTable, showTable, type TableName } from '../declare/table.js'
import type { Entry, TrackAll, TrackOptions } from '../declare/track.js'
import { DeclarationError } from '../errors.js'
import { nearest } from '../nearest.js'
import { didYouMean } from '../options.js'
import type { Queryable } from '../queryable.js'
import { type Catalogue, readCatalogue, readTableNames, type Table } from './catalogue.js'

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
    names: entries.flatMap((entry) =>
      entry.kind === 'waive' ? [entry.table] : entry.kind === 'trackAll' ? entry.except : [],
    ),
  })
}

/** What is wrong with the names that are declared, as a finding of status. */
export interface NameProblem {
  readonly code:
    | 'table_missing'
    | 'table_renamed'
    | 'tracked_and_waived'
    | 'schema_missing'
    | 'excepted_missing'
    | 'waived_missing'
  /** `info` is no reason to refuse. */
  readonly severity: 'error' | 'warning' | 'info'
  readonly table: string | null
  readonly message: string
  readonly remedy: string
  /** The oid of the table that is meant, where there is one of another name. */
  readonly oid?: string
}

/** Looks for declarations that would record nothing, or the wrong table, because of a name. */
export async function nameProblems(
  queryable: Queryable,
  schema: string,
  entries: readonly Entry[],
  catalogue: Catalogue,
): Promise<readonly NameProblem[]> {
  const problems: NameProblem[] = []
  const waived = new Set(
    entries.flatMap((entry) =>
      entry.kind === 'waive' ? (catalogue.named[quoteTable(entry.table)] ?? []) : [],
    ),
  )
  // asked only for the sake of a message
  let names: Promise<readonly Named[]> | undefined
  const allNames = () => {
    names ??= readTableNames(queryable, schema)
    return names
  }

  for (const entry of entries) {
    if (entry.kind === 'track') {
      const oid = catalogue.declared[quoteTable(entry.table)]
      const table = oid == null ? undefined : catalogue.tables[oid]
      if (oid == null || !table) {
        problems.push(renamed(entry.table, catalogue) ?? missing(entry.table, await allNames()))
      } else if (waived.has(oid)) {
        problems.push({
          code: 'tracked_and_waived',
          severity: 'error',
          table: showTable(table),
          message: `${showTable(table)} is declared as tracked, and waived`,
          remedy: 'Remove one of the two.',
        })
      }
    } else if (entry.kind === 'waive') {
      if (catalogue.named[quoteTable(entry.table)] != null) continue
      const known = await allNames()
      // in a schema outside the search_path
      if (known.some((table) => matches(entry.table, table))) continue
      problems.push({
        code: 'waived_missing',
        severity: 'info',
        table: showTable(entry.table),
        message: `${showTable(entry.table)} is waived, and there is no such table`,
        remedy:
          nearTable(entry.table, known) ??
          'Correct the waiver or remove it, unless a later migration creates the table.',
      })
    } else if (!catalogue.schemas.includes(entry.schema)) {
      const schemas = [...new Set((await allNames()).map((table) => table.schema))]
      problems.push({
        code: 'schema_missing',
        severity: 'error',
        table: null,
        message: `There is no schema "${entry.schema}", of which trackAll declares every table`,
        remedy: didYouMean(entry.schema, schemas) ?? 'Create it first, or correct the name.',
      })
    } else {
      for (const name of entry.except) {
        if (catalogue.named[quoteTable(name)] != null) continue
        problems.push({
          code: 'excepted_missing',
          severity: 'error',
          table: showTable(name),
          message: `There is no table "${showTable(name)}", which trackAll excepts`,
          remedy:
            nearTable(name, await allNames()) ?? 'Correct the name, or leave it out of except.',
        })
      }
    }
  }
  return problems
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
  const problem = (await nameProblems(queryable, schema, entries, catalogue)).find(
    ({ severity }) => severity !== 'info',
  )
  if (problem) throw new DeclarationError(`${problem.message}. ${problem.remedy}`)
  const wanted = new Map<string, Wanted>()
  for (const entry of entries) {
    if (entry.kind !== 'track') continue
    const oid = catalogue.declared[quoteTable(entry.table)]
    const table = oid == null ? undefined : catalogue.tables[oid]
    if (oid == null || !table) continue // refused above
    const earlier = wanted.get(oid)
    if (earlier && !isDeepStrictEqual(earlier.options, entry.options)) {
      throw new DeclarationError(
        `Table ${showTable(table)} is declared twice, differently. Declare it once.`,
      )
    }
    wanted.set(oid, { oid, table, options: checkAgainst(table, entry.options, schema) })
  }
  for (const { oid, table, entry } of sweptTables(entries, catalogue)) {
    if (wanted.has(oid)) continue
    wanted.set(oid, { oid, table, options: checkAgainst(table, entry.options, schema) })
  }
  return [...wanted.values()]
}

interface Named {
  readonly schema: string
  readonly table: string
}

/**
 * The tables that trackAll means: not those excepted, waived or declared by themselves, and not those
 * recorded with a table above them.
 */
export function sweptTables(
  entries: readonly Entry[],
  catalogue: Catalogue,
): readonly { readonly oid: string; readonly table: Table; readonly entry: TrackAll }[] {
  const swept = entries.flatMap((entry) =>
    entry.kind !== 'trackAll'
      ? []
      : catalogue.swept.flatMap((oid) => {
          const table = catalogue.tables[oid]
          const isLeftOut =
            !table ||
            table.schema !== entry.schema ||
            entry.except.some((name) => matches(name, table)) ||
            entries.some((other) => other.kind === 'waive' && matches(other.table, table))
          return isLeftOut ? [] : [{ oid, table, entry }]
        }),
  )
  const recorded = new Set([
    ...Object.values(catalogue.declared),
    ...catalogue.captures.map(({ table }) => table),
    ...swept.map(({ oid }) => oid),
  ])
  return swept.filter(({ table }) => !table.above.some((oid) => recorded.has(oid)))
}

/** Whether a declared name means this table, where the search_path is not asked: `orders` is then any schema's. */
export function matches(name: TableName, table: Named): boolean {
  return name.table === table.table && (name.schema === undefined || name.schema === table.schema)
}

/** Two sentences about a cast whose function would run with the rights of the log's owner. */
function foreignCast(table: string, type: string): string {
  return `${table} has a column of type ${type}, whose cast to json is a function that neither a superuser nor the owner of the log owns, and that would run with the rights of the log's owner. Drop the cast, or let the owner of the log own its function.`
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
  const [cast] = table.foreignCasts
  if (cast !== undefined) refuse(foreignCast(name, cast))
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
  // of SQL only the database can tell
  const { label = '', only = table.columns, exclude = [], mask = [] } = options
  const isRecorded = [...only, ...table.key].includes(label)
  if (table.columns.includes(label) && (!isRecorded || [...exclude, ...mask].includes(label))) {
    refuse(
      `The label ${JSON.stringify(label)} of ${name} is a column that is not recorded. Make it of those that are: what is excluded, masked or outside of only is shown nowhere.`,
    )
  }
  return options
}

/** A table that had this name when its declaration was last written, and has another one now. */
function renamed(name: TableName, { captures, tables }: Catalogue): NameProblem | undefined {
  for (const { stamp, table: oid } of captures) {
    const table = oid === null ? undefined : tables[oid]
    if (oid === null || !table || !stamp?.table || !matches(name, stamp.table)) continue
    if (showTable(stamp.table) === showTable(table)) continue // only not in the search_path
    return {
      code: 'table_renamed',
      severity: 'warning',
      table: showTable(table),
      message: `${showTable(name)} is now ${showTable(table)}`,
      remedy: 'Declare that name: its changes are recorded all along.',
      oid,
    }
  }
  return undefined
}

function missing(name: TableName, known: readonly Named[]): NameProblem {
  return {
    code: 'table_missing',
    severity: 'error',
    table: showTable(name),
    message: `There is no table "${showTable(name)}"`,
    remedy:
      nearTable(name, known) ??
      'Create it first, or name its schema if that is not in the search_path.',
  }
}

/** The table that was probably meant: one of a near name in that schema, or of that name in another. */
function nearTable(name: TableName, known: readonly Named[]): string | undefined {
  const there = known.filter(({ schema }) => name.schema === undefined || name.schema === schema)
  const near = nearest(
    name.table,
    there.map(({ table }) => table),
  )
  const meant =
    near === undefined
      ? known.find(({ table }) => table === name.table)
      : there.find(({ table }) => table === near)
  return meant && `Did you mean "${showTable(meant)}"?`
}

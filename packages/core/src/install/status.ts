import { quoteTable, showTable } from '../declare/table.js'
import type { Declaration } from '../declare/track.js'
import { type Growth, growth } from '../observe/costs.js'
import type { Queryable } from '../queryable.js'
import { quoteIdentifier } from '../sql/quote.js'
import { SCHEMA_VERSION, triggerName } from '../sql/template.js'
import { type Catalogue, readTableNames, type Stamp, syncOf, type Table } from './catalogue.js'
import type { AddFinding, Finding } from './finding.js'
import { inspectTable } from './inspect.js'
import { addLogFindings, type LogStatus, readLog } from './log.js'
import type { PlanOptions } from './plan.js'
import { reasons } from './reasons.js'
import {
  matches,
  missingColumn,
  nameProblems,
  readFor,
  sweptTables,
  unknownColumn,
} from './resolve.js'
import { callOfTrack } from './schema.js'
import { inspectLog, writableBy } from './shipped.js'

export interface TableStatus {
  /** As `schema.name`. */
  readonly table: string
  /** The id that its events carry. */
  readonly id: number
  readonly app: string | null
  /** Since when every change was recorded, as ISO 8601; null where this role may not read it. */
  readonly since: string | null
  /** How many times recording was interrupted since then; null where this role may not read it. */
  readonly gaps: number | null
  /** How long its events are kept, as declared, perhaps `'forever'`; null: until somebody purges. */
  readonly retention: string | null
  /** Until when its events were purged, as ISO 8601; null where none were, or this role may not read it. */
  readonly purgedUntil: string | null
}

export interface PartitionStatus {
  readonly name: string
  /** As PostgreSQL writes it: `FOR VALUES FROM (…) TO (…)`. */
  readonly bound: string
  /** As estimated at the last analyze; null before the first one. */
  readonly rows: number | null
  readonly bytes: number
}

/** The partition that takes what has no other, of events and of contexts together. */
export interface OverflowStatus {
  /** Whether it holds rows. */
  readonly inUse: boolean
  /** From when on events have no partition of their own, as ISO 8601. */
  readonly since: string
  /** As estimated at the last analyze; null before the first one. */
  readonly rows: number | null
  readonly bytes: number
}

/** How far the chain of the log has come. */
export interface SealingStatus {
  /** Of the chain: blocks, and what it says of retention, erasure and clusters. */
  readonly entries: number
  /** When the last block was made, as ISO 8601; null before the first. */
  readonly sealedAt: string | null
  /**
   * How old the oldest event is that is not sealed, in seconds; 0 where all are. Null where the log has moved
   * to another cluster, until the chain goes on there.
   */
  readonly lagSeconds: number | null
}

export interface Status {
  /** Whether there is no finding of severity `error`. */
  readonly ok: boolean
  /** The version of the installed log; null where there is none. */
  readonly version: number | null
  readonly findings: readonly Finding[]
  readonly tables: readonly TableStatus[]
  /** Empty where this role may not read the log. */
  readonly partitions: readonly PartitionStatus[]
  /** How fast the log grows, and by which tables; null where this role may not read it. */
  readonly growth: Growth | null
  /** Null where this role may not read the log. */
  readonly overflow: OverflowStatus | null
  /** Null where sealing was never enabled, or this role may not read the log. */
  readonly sealing: SealingStatus | null
}

/** The tables of the chain. */
const chain: readonly string[] = ['audit_seal', 'audit_leaf']

/**
 * Tells whether the trail is healthy: everything that plan would change, and what only an operator can.
 *
 * @param examine looks further, where this role may read the log.
 */
export async function status(
  queryable: Queryable,
  options: PlanOptions,
  examine?: (add: AddFinding) => Promise<void>,
): Promise<Status> {
  const { schema, tables: entries } = options
  const catalogue = await readFor(queryable, schema, entries)
  const { version, missing, lost, edited } = inspectLog(catalogue, schema)
  const findings: Finding[] = []
  const add: AddFinding = (severity, code, table, message, remedy, command) => {
    const reason = reasons[code]
    const known = command === undefined ? reason : { ...reason, command }
    findings.push(Object.freeze({ severity, code, table, message, ...known, remedy }))
  }
  const syncing = syncOf(catalogue)
  const RUN_SYNC = `Run ${syncing}.`

  if (version === null) {
    add('error', 'log_missing', null, `There is no log in the schema ${schema}`, RUN_SYNC)
  } else if (version < SCHEMA_VERSION) {
    add(
      'warning',
      'log_outdated',
      null,
      `The log has version ${version}, this package ${SCHEMA_VERSION}`,
      RUN_SYNC,
    )
  } else if (version > SCHEMA_VERSION) {
    add(
      'error',
      'log_newer',
      null,
      `The log has version ${version}, this package knows ${SCHEMA_VERSION}`,
      'Upgrade the auditrum packages of this program.',
    )
  }
  for (const name of missing) {
    const mending = chain.includes(name)
      ? `${RUN_SYNC} It makes the table again, empty. Where the log was sealed, find out who did that, and restore audit_seal and audit_leaf from a backup; without one see "When the chain is lost" in docs/tamper-evidence.md.`
      : lost.includes(name)
        ? `${RUN_SYNC} It makes the table again, empty: what was in it is in a backup alone.`
        : RUN_SYNC
    add('error', 'object_missing', null, `${schema}.${name} is missing`, mending)
  }
  for (const name of edited)
    add(
      'error',
      'function_edited',
      null,
      `${schema}.${name} is not the one that this package ships`,
      RUN_SYNC,
    )
  if (version !== null) {
    for (const { message, remedy } of writableBy(catalogue, schema))
      add('error', 'log_is_writable', null, message, remedy)
  }

  const problems = await nameProblems(queryable, schema, entries, catalogue)
  for (const { severity, code, table, message, remedy } of problems)
    add(severity, code, table, message, remedy)
  for (const entry of entries) {
    if (entry.kind !== 'track') continue
    const oid = catalogue.declared[quoteTable(entry.table)]
    const table = oid == null ? undefined : catalogue.tables[oid]
    if (oid != null && table) inspectDeclared(entry, table, oid)
  }
  for (const { oid, table } of sweptTables(entries, catalogue)) inspectTracking(table, oid)
  const orphans = catalogue.captures.some(({ table }) => table === null)
  const names = orphans ? await readTableNames(queryable, schema) : []
  for (const capture of catalogue.captures) {
    const table = capture.table === null ? undefined : catalogue.tables[capture.table]
    const name = capture.stamp?.table
    if (!table && name && names.some((each) => matches(name, each))) {
      inspectOrphan(showTable(name))
    } else if (!table) {
      add(
        'info',
        'table_dropped',
        name ? showTable(name) : null,
        `${name ? showTable(name) : `The table of ${schema}.capture_${capture.id}`} was dropped`,
        `Its history stays. Run ${syncing} with prune to drop its function, ${schema}.capture_${capture.id}.`,
      )
    } else inspectTracked(table, capture.id)
  }

  /** What brings a table up to date that is recorded and not declared here: by generate-trigger, or by another app. */
  function renewing(table: Table, { app, declaration }: Stamp): string {
    const as = syncing.slice('sync'.length)
    if (app !== options.app)
      return `Run sync${as} where the app ${JSON.stringify(app)} declares it.`
    const name = { schema: table.schema, table: table.table }
    return `It is not declared here: declare it and run sync${as}, or record it anew as it was told${as}: ${callOfTrack(name, declaration, schema, app)}`
  }

  function inspectDeclared(entry: Declaration, table: Table, oid: string) {
    const missingName = missingColumn(table, entry.options)
    if (missingName) {
      add(
        'error',
        'column_missing',
        showTable(table),
        unknownColumn(table, missingName.column, missingName.option),
        `Correct the declaration and run ${syncing}; until then events hold what is safe to store.`,
      )
    }
    inspectTracking(table, oid)
  }

  function inspectTracking(table: Table, oid: string) {
    if (catalogue.captures.some((capture) => capture.table === oid)) return
    const name = showTable(table)
    add('error', 'not_tracked', name, `${name} is declared and not tracked`, RUN_SYNC)
  }

  /** A table whose triggers are gone, while a capture function was written for it. */
  function inspectOrphan(name: string) {
    if (catalogue.captures.some(({ table }) => isNamed(table, name))) return
    if (findings.some(({ code, table }) => code === 'not_tracked' && table === name)) return
    add(
      'error',
      'trigger_missing',
      name,
      `${name} was tracked, and has none of its triggers any more`,
      `Declare it and run ${syncing}; or run that with prune, if it is not to be recorded.`,
    )
  }

  function isNamed(oid: string | null, name: string): boolean {
    const table = oid === null ? undefined : catalogue.tables[oid]
    return table !== undefined && showTable(table) === name
  }

  function inspectTracked(table: Table, id: number) {
    const name = showTable(table)
    const capture = catalogue.captures.find((each) => each.id === id)
    if (!capture) return
    const declaration = entries.find(
      (entry): entry is Declaration => entry.kind === 'track' && matches(entry.table, table),
    )
    const declared = declaration && capture.stamp?.app === options.app
    // of what nobody declares here sync knows nothing
    const isOurs =
      declared || sweptTables(entries, catalogue).some(({ oid }) => oid === capture.table)
    const mending = isOurs || !capture.stamp ? RUN_SYNC : renewing(table, capture.stamp)
    const command = isOurs ? undefined : null
    for (const { code, severity, message } of inspectTable(
      table,
      capture,
      schema,
      declared ? { ...declaration.options } : undefined,
    )) {
      add(severity, code, name, `${name}: ${message}`, mending, command)
    }
    for (const type of table.foreignCasts) {
      add(
        'error',
        'foreign_cast',
        name,
        `The cast of ${type} to json, in ${name}, is a function of a role that could use it to act as the owner of the log`,
        'Drop the cast, or let the owner of the log own its function.',
      )
    }
    for (const branch of table.tree) {
      for (const trigger of branch.earlier) {
        add(
          'error',
          'trigger_order',
          name,
          `The trigger ${trigger} of ${branch.name} fires before ${triggerName(schema)}, so a row that it changes again is logged in the wrong order`,
          `Rename it: ALTER TRIGGER … RENAME TO a name that sorts behind ${triggerName(schema)}.`,
        )
      }
    }
    if (table.key.length === 0) {
      add(
        'warning',
        'no_key',
        name,
        `${name} has no primary key, so its events name no row`,
        `Add a primary key. ${mending.replace(/^./, (first) => `Then ${first.toLowerCase()}`)}`,
      )
    }
    if (
      capture.stamp?.app === options.app &&
      !declared &&
      !entries.some(({ kind }) => kind === 'trackAll') &&
      !problems.some(({ oid }) => oid === capture.table)
    ) {
      add(
        'info',
        'undeclared',
        name,
        `${name} is tracked and no longer declared`,
        `Run ${syncing} with prune to stop.`,
      )
    }
  }

  // of another log than this package's, or of half of one, the findings above say enough
  const isWhole = version === SCHEMA_VERSION && missing.length === 0
  const log = isWhole ? await readLog(queryable, schema) : undefined
  if (isWhole && log === undefined) {
    add(
      'warning',
      'log_unreadable',
      null,
      `The role ${catalogue.role} may not read the log, so its content was not examined`,
      `Ask for status as a role that may; the owner of the log lets one read it: select ${quoteIdentifier(schema)}.let_read('…').`,
    )
  }
  if (log) {
    addLogFindings(log, catalogue, add)
    await examine?.(add)
  }

  return Object.freeze({
    ok: !findings.some(({ severity }) => severity === 'error'),
    version,
    findings: Object.freeze(findings),
    tables: tableStatus(catalogue, log),
    partitions: log?.partitions ?? [],
    growth: log ? await growth(queryable, schema) : null,
    overflow: log?.overflow ?? null,
    sealing: log?.sealing ? sealingStatus(log.sealing) : null,
  })
}

function sealingStatus({ entries, sealedAt, lagSeconds }: SealingStatus): SealingStatus {
  return Object.freeze({ entries, sealedAt, lagSeconds })
}

function tableStatus(catalogue: Catalogue, log: LogStatus | undefined): readonly TableStatus[] {
  return catalogue.captures.flatMap(({ id, table: oid, stamp }) => {
    const table = oid === null ? undefined : catalogue.tables[oid]
    if (!table) return []
    const { since = null, gaps = null, purgedUntil = null } = log?.tables[id] ?? {}
    const { retention } = stamp?.declaration ?? {}
    return [
      Object.freeze({
        table: showTable(table),
        id,
        app: stamp?.app ?? null,
        since,
        gaps,
        retention: typeof retention === 'string' ? retention : null,
        purgedUntil,
      }),
    ]
  })
}

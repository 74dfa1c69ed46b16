import { quoteTable, showTable } from '../declare/table.js'
import type { Declaration } from '../declare/track.js'
import { sqlStateOf } from '../errors.js'
import { type Queryable, rowsOf } from '../queryable.js'
import { render, SCHEMA_VERSION, triggerName } from '../sql/template.js'
import type { Catalogue, Table } from './catalogue.js'
import { inspectTable } from './inspect.js'
import type { PlanOptions } from './plan.js'
import { matches, missingColumn, readFor, unknownColumn } from './resolve.js'
import { inspectLog } from './shipped.js'

/** Something that an operator should know. */
export interface Finding {
  /** `error`: changes may be lost or wrongly recorded; `warning`: soon, or partly; `info`: good to know. */
  readonly severity: 'error' | 'warning' | 'info'
  /** Stable, for monitoring: `trigger_disabled`, `overflow_in_use` … */
  readonly code: string
  /** The table as `schema.name`; null where it concerns the log. */
  readonly table: string | null
  readonly message: string
  /** What mends it. */
  readonly remedy: string
}

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
}

export interface PartitionStatus {
  readonly name: string
  /** As PostgreSQL writes it: `FOR VALUES FROM (…) TO (…)`. */
  readonly bound: string
  /** As estimated at the last analyze. */
  readonly rows: number
  readonly bytes: number
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
}

interface LogStatus {
  readonly partitions: readonly PartitionStatus[]
  readonly monthsAhead: number
  readonly overflowInUse: boolean
  readonly unattributed: number
  readonly contextErrors: number
  readonly withoutActor: number
  readonly drifted: Readonly<Record<string, readonly string[]>>
  readonly tables: Readonly<Record<string, { readonly since: string; readonly gaps: number }>>
}

/** Tells whether the trail is healthy: everything that plan would change, and what only an operator can. */
export async function status(queryable: Queryable, options: PlanOptions): Promise<Status> {
  const { schema, tables: entries } = options
  const catalogue = await readFor(queryable, schema, entries)
  const { version, missing, edited } = inspectLog(catalogue, schema)
  const findings: Finding[] = []
  const add = (
    severity: Finding['severity'],
    code: string,
    table: string | null,
    message: string,
    remedy: string,
  ) => findings.push(Object.freeze({ severity, code, table, message, remedy }))
  const RUN_SYNC = 'Run sync.'

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
  for (const name of missing)
    add('error', 'object_missing', null, `${schema}.${name} is missing`, RUN_SYNC)
  for (const name of edited)
    add(
      'error',
      'function_edited',
      null,
      `${schema}.${name} is not the one that this package ships`,
      RUN_SYNC,
    )

  for (const entry of entries) {
    if (entry.kind !== 'track') continue
    const oid = catalogue.declared[quoteTable(entry.table)]
    const table = oid == null ? undefined : catalogue.tables[oid]
    const shown = table ? showTable(table) : showTable(entry.table)
    if (!table)
      add(
        'error',
        'table_missing',
        shown,
        `${shown} is declared, and there is no such table`,
        'Create it, or correct the declaration.',
      )
    else inspectDeclared(entry, table, oid as string)
  }
  for (const capture of catalogue.captures) {
    const table = capture.table === null ? undefined : catalogue.tables[capture.table]
    if (!table) {
      add(
        'info',
        'table_dropped',
        null,
        `The table of ${schema}.capture_${capture.id} was dropped`,
        'Its history stays. Run sync with prune to drop the function.',
      )
      continue
    }
    inspectTracked(table, capture.id)
  }

  function inspectDeclared(entry: Declaration, table: Table, oid: string) {
    const missingName = missingColumn(table, entry.options)
    if (missingName) {
      add(
        'error',
        'column_missing',
        showTable(table),
        unknownColumn(table, missingName.column, missingName.option),
        'Correct the declaration and run sync; until then events hold what is safe to store.',
      )
    }
    if (!catalogue.captures.some((capture) => capture.table === oid)) {
      add(
        'error',
        'not_tracked',
        showTable(table),
        `${showTable(table)} is declared and not tracked`,
        RUN_SYNC,
      )
    }
  }

  function inspectTracked(table: Table, id: number) {
    const name = showTable(table)
    const capture = catalogue.captures.find((each) => each.id === id)
    if (!capture) return
    const declaration = entries.find(
      (entry): entry is Declaration => entry.kind === 'track' && matches(entry.table, table),
    )
    const declared = declaration && capture.stamp?.app === options.app
    for (const { code, message } of inspectTable(
      table,
      capture,
      schema,
      declared ? { ...declaration.options } : undefined,
    )) {
      const harmless = ['columns_changed', 'function_outdated'].includes(code)
      add(harmless ? 'warning' : 'error', code, name, `${name}: ${message}`, RUN_SYNC)
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
        'Add a primary key, then run sync.',
      )
    }
    if (
      capture.stamp?.app === options.app &&
      !declared &&
      !entries.some(({ kind }) => kind === 'trackAll')
    ) {
      add(
        'info',
        'undeclared',
        name,
        `${name} is tracked and no longer declared`,
        'Run sync with prune to stop.',
      )
    }
  }

  const log =
    version === SCHEMA_VERSION && missing.length === 0
      ? await readLog(queryable, schema)
      : undefined
  if (version !== null && log === undefined) {
    add(
      'info',
      'log_unreadable',
      null,
      `The role ${catalogue.role} may not read the log, so its content was not examined`,
      'Ask for status as a role that may read it.',
    )
  }
  if (log) addLogFindings(log, add)

  return Object.freeze({
    ok: !findings.some(({ severity }) => severity === 'error'),
    version,
    findings: Object.freeze(findings),
    tables: tableStatus(catalogue, log),
    partitions: log?.partitions ?? [],
  })
}

function addLogFindings(
  log: LogStatus,
  add: (
    severity: Finding['severity'],
    code: string,
    table: string | null,
    message: string,
    remedy: string,
  ) => void,
): void {
  if (log.overflowInUse) {
    add(
      'warning',
      'overflow_in_use',
      null,
      'The overflow partition holds rows: partitions were made too late',
      'Call maintain() daily. Nothing is lost: events are safe in it.',
    )
  } else if (log.monthsAhead < 1) {
    add(
      'warning',
      'partitions_low',
      null,
      'There is no partition for next month',
      'Run maintain(), daily.',
    )
  }
  if (log.unattributed > 0) {
    add(
      'warning',
      'events_without_context',
      null,
      `${log.unattributed} events of the last day point at a context that is not of their transaction`,
      'Somebody has set auditrum.remembered by hand: look at db_user and the table of these events.',
    )
  }
  if (log.contextErrors > 0) {
    add(
      'warning',
      'context_errors',
      null,
      `${log.contextErrors} contexts of the last day could not be stored as given`,
      'Look at context_error in auditlog.',
    )
  }
  if (log.withoutActor > 0) {
    add(
      'info',
      'events_without_actor',
      null,
      `${log.withoutActor} events of the last day have no user_id`,
      'Look at application_name and db_user of these events to find who writes without a context.',
    )
  }
  for (const [table, names] of Object.entries(log.drifted)) {
    add(
      'error',
      'drift',
      table,
      `Events of ${table} were written without the declared ${names.join(', ')}`,
      'Correct the declaration and run sync.',
    )
  }
}

async function readLog(queryable: Queryable, schema: string): Promise<LogStatus | undefined> {
  try {
    const [row] = await rowsOf<{ status: string }>(
      queryable,
      render('install/log_status', schema),
      [],
    )
    return JSON.parse(row?.status ?? 'null') ?? undefined
  } catch (error) {
    if (sqlStateOf(error) === '42501') return undefined
    throw error
  }
}

function tableStatus(catalogue: Catalogue, log: LogStatus | undefined): readonly TableStatus[] {
  return catalogue.captures.flatMap(({ id, table: oid, stamp }) => {
    const table = oid === null ? undefined : catalogue.tables[oid]
    if (!table) return []
    const { since = null, gaps = null } = log?.tables[id] ?? {}
    return [Object.freeze({ table: showTable(table), id, app: stamp?.app ?? null, since, gaps })]
  })
}

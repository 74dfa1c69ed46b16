import { showTable } from '../declare/table.js'
import type { Entry } from '../declare/track.js'
import { SchemaError } from '../errors.js'
import type { Queryable } from '../queryable.js'
import { quoteIdentifier, quoteLiteral } from '../sql/quote.js'
import { SCHEMA_VERSION } from '../sql/template.js'
import type { Capture, Catalogue } from './catalogue.js'
import { type Difference, inspectTable } from './inspect.js'
import { readFor, resolve, type Wanted } from './resolve.js'
import { callOfTrack, schemaSql } from './schema.js'
import { inspectLog, type LogState } from './shipped.js'

/** One thing that sync would do, or would not have to. */
export interface Change {
  readonly action: 'install' | 'update' | 'uninstall' | 'none'
  /** The table as `schema.name`; null for the log itself. */
  readonly table: string | null
  /** Why, for people: `the primary key changed from (id) to (a, b)`. */
  readonly reasons: readonly string[]
  /** The SQL that does it; empty for `none`. */
  readonly sql: string
  /** The SQL that takes it back; empty where there is nothing to take back. The log's own is kept. */
  readonly undo: string
}

export interface PlanOptions {
  readonly schema: string
  readonly app: string
  readonly tables: readonly Entry[]
  readonly prune?: boolean | undefined
}

/**
 * Compares what is declared with what the catalogue shows. Reads the catalogue alone, so it runs
 * under any role, and cannot tell whether the SQL in `when` and `label` fits the table.
 *
 * @throws DeclarationError where a declaration does not fit its table.
 * @throws SchemaError where sync could not do it: a server older than 14, a schema that is somebody
 *   else's, a log of a newer version, a missing privilege.
 */
export async function plan(queryable: Queryable, options: PlanOptions): Promise<readonly Change[]> {
  const { changes } = await prepare(queryable, options)
  return changes
}

/** A plan, and what of it this role cannot do. */
export interface Preparation {
  readonly changes: readonly Change[]
  /** What it may not change, and what can wait for the owner of the log: recording goes on meanwhile. */
  readonly waiting: ReadonlySet<Change>
  /** What will fail, each by itself, and why. */
  readonly denied: ReadonlyMap<Change, SchemaError>
  /** Who owns the log, or is going to. */
  readonly owner: string
  /** Tables of the log that are missing, as `schema.name`. */
  readonly lost: readonly string[]
}

/** What sync works with; {@link plan} tells the changes alone. */
export async function prepare(queryable: Queryable, options: PlanOptions): Promise<Preparation> {
  const { schema, app, tables, prune = false } = options
  const catalogue = await readFor(queryable, schema, tables)
  const state = inspectLog(catalogue, schema)
  const log = planLog(catalogue, schema, state)
  const lost = state.lost.map((name) => `${schema}.${name}`)
  const wanted = await resolve(queryable, schema, tables, catalogue)
  const canWait = new Set<Change>()
  const changes = wanted.map((each) => {
    const { change, differences } = planTable(each, catalogue, schema, app)
    if (differences.length > 0 && differences.every(({ severity }) => severity === 'warning'))
      canWait.add(change)
    return change
  })
  if (prune) changes.push(...planPrune(wanted, catalogue, schema, app))
  const owner = catalogue.schema?.owner ?? catalogue.role
  const pending = [log, ...changes].filter(({ action }) => action !== 'none')
  const all = Object.freeze([log, ...changes])
  if (
    catalogue.schema &&
    !catalogue.schema.mayInstall &&
    pending.every((each) => canWait.has(each))
  )
    return { changes: all, waiting: new Set(pending), denied: new Map(), owner, lost }
  refuseWithoutPrivilege(pending, catalogue, schema)
  return {
    changes: all,
    waiting: new Set(),
    denied: deniedTables(pending, wanted, catalogue),
    owner,
    lost,
  }
}

function planLog(
  catalogue: Catalogue,
  schema: string,
  { version, missing, edited }: LogState,
): Change {
  if (catalogue.server < 140_000) {
    throw new SchemaError(
      `This server is PostgreSQL ${Math.floor(catalogue.server / 10_000)}, and auditrum needs 14 or newer. Upgrade the server, or connect to a newer one.`,
    )
  }
  if (version === null && catalogue.schema && !catalogue.schema.isEmpty) {
    throw new SchemaError(
      `The schema ${schema} holds objects that auditrum did not create. Choose another schema for the log with the option schema.`,
    )
  }
  if (version !== null && version > SCHEMA_VERSION) {
    throw new SchemaError(
      `The log in schema ${schema} has version ${version}, and this auditrum knows versions up to ${SCHEMA_VERSION}. Upgrade the auditrum packages of this program.`,
    )
  }
  const reasons = [
    ...(version === null ? ['the log is not installed'] : []),
    ...(version !== null && version < SCHEMA_VERSION
      ? [`the log has version ${version}, not ${SCHEMA_VERSION}`]
      : []),
    ...missing.map((name) => `${name} is missing`),
    ...edited.map((name) => `${name} was edited`),
  ]
  if (reasons.length === 0) return change('none', null)
  return change(version === null ? 'install' : 'update', null, reasons, schemaSql({ schema }))
}

function planTable(
  wanted: Wanted,
  catalogue: Catalogue,
  schema: string,
  app: string,
): { readonly change: Change; readonly differences: readonly Difference[] } {
  const { table, options, oid } = wanted
  const name = showTable(table)
  const capture = catalogue.captures.find((each) => each.table === oid)
  const sql = callOfTrack(table, options, schema, app)
  const denial = table.mayTrigger ? [] : [`${catalogue.role} may not create triggers on it`]
  if (!capture) {
    const undo = untrackingSql(capture, name, schema, table)
    const reasons = ['it is not tracked', ...denial]
    return { change: change('install', name, reasons, sql, undo), differences: [] }
  }
  if (capture.stamp && capture.stamp.app !== app) {
    throw new SchemaError(
      `Table ${name} is already tracked by the app ${JSON.stringify(capture.stamp.app)}, so ${JSON.stringify(app)} cannot declare it. Declare a table in one app only, or untrack it there first.`,
    )
  }
  const differences = inspectTable(table, capture, schema, options as Record<string, unknown>)
  if (differences.length === 0) return { change: change('none', name), differences }
  const undo = capture.stamp ? retrackingSql(capture, table, schema) : ''
  const reasons = [...differences.map(({ message }) => message), ...denial]
  return { change: change('update', name, reasons, sql, undo), differences }
}

function planPrune(
  wanted: readonly Wanted[],
  catalogue: Catalogue,
  schema: string,
  app: string,
): Change[] {
  return catalogue.captures
    .filter(({ stamp, table }) => stamp?.app === app && !wanted.some(({ oid }) => oid === table))
    .map((capture) => {
      const table = capture.table === null ? undefined : catalogue.tables[capture.table]
      const name = table ? showTable(table) : `${schema}.capture_${capture.id}`
      const reason = table ? 'it is no longer declared' : 'its table is gone'
      const undo = table ? retrackingSql(capture, table, schema) : ''
      return change('uninstall', name, [reason], untrackingSql(capture, name, schema, table), undo)
    })
}

/** Says before the first statement what the first statement would fail on. */
function refuseWithoutPrivilege(
  pending: readonly Change[],
  catalogue: Catalogue,
  schema: string,
): void {
  if (pending.length === 0) return
  const { role } = catalogue
  if (!catalogue.schema && !catalogue.mayCreateSchema) {
    throw new SchemaError(
      `The role ${role} may not create the schema ${schema}. Grant CREATE on the database to it, or run sync as the role that owns the database.`,
    )
  }
  if (catalogue.schema && !catalogue.schema.mayInstall) {
    throw new SchemaError(
      `The role ${role} does not own the schema ${schema}, and there is something to do: ${pending.map(describe).join('; ')}. Run sync as ${catalogue.schema.owner}, in the deployment, before the application starts.`,
    )
  }
  const [creator] = catalogue.schema?.creators ?? []
  if (creator !== undefined) {
    throw new SchemaError(
      `${creator} may create objects in the schema ${schema} of the log. Take that away first: REVOKE CREATE ON SCHEMA ${quoteIdentifier(schema)} FROM ${creator}.`,
    )
  }
  const [foreign] = catalogue.schema?.foreign ?? []
  if (catalogue.schema && foreign) {
    throw new SchemaError(
      `${schema}.${foreign.name} belongs to ${foreign.owner}, and the schema of the log to ${catalogue.schema.owner}. Drop it, or, if you know it to be of the log, hand it over first: ALTER … OWNER TO ${quoteIdentifier(catalogue.schema.owner)}.`,
    )
  }
}

/** The tables on which this role may not create triggers. */
function deniedTables(
  pending: readonly Change[],
  wanted: readonly Wanted[],
  { role }: Catalogue,
): ReadonlyMap<Change, SchemaError> {
  const denied = new Map<Change, SchemaError>()
  for (const each of pending) {
    const its = wanted.find(({ table }) => showTable(table) === each.table)
    if (!its || its.table.mayTrigger) continue
    denied.set(
      each,
      new SchemaError(
        `The role ${role} may not create triggers on ${each.table}. Grant TRIGGER on the table to it, or run sync as its owner.`,
      ),
    )
  }
  return denied
}

/** A change in a few words. */
function describe({ action, table, reasons }: Change): string {
  return `${action} ${table ?? 'the log'}${reasons.length > 0 ? ` (${reasons.join(', ')})` : ''}`
}

function change(
  action: Change['action'],
  table: string | null,
  reasons: readonly string[] = [],
  sql = '',
  undo = '',
): Change {
  return Object.freeze({ action, table, reasons: Object.freeze(reasons), sql, undo })
}

function untrackingSql(
  capture: Capture | undefined,
  name: string,
  schema: string,
  table: { readonly schema: string; readonly table: string } | undefined,
): string {
  const log = quoteIdentifier(schema)
  if (!table) return `SELECT ${log}.drop_capture(${capture?.id}); -- ${name}`
  const quoted = `${quoteIdentifier(table.schema)}.${quoteIdentifier(table.table)}`
  return `SELECT ${log}.untrack(${quoteLiteral(quoted)});`
}

function retrackingSql(
  capture: Capture,
  table: { readonly schema: string; readonly table: string },
  schema: string,
): string {
  return callOfTrack(
    table,
    capture.stamp?.declaration ?? {},
    schema,
    capture.stamp?.app ?? 'default',
  )
}

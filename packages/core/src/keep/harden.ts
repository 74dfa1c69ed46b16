import { setTimeout as pause } from 'node:timers/promises'
import { SchemaError, sqlStateOf, UsageError } from '../errors.js'
import { lockProblem } from '../install/lock.js'
import type { Status } from '../install/status.js'
import { checkFlag, checkOptions, show } from '../options.js'
import { type Queryable, rowsOf } from '../queryable.js'
import { type CapabilityCode, capabilities } from './capabilities.js'
import { readFacts } from './facts.js'
import { refuse, refuseWhileOff } from './refusal.js'
import { type RightsLine, readRights, reportOf } from './rights.js'
import { missingStatements, transaction } from './statements.js'

/** What `harden` may be told. */
export interface HardenOptions {
  /** The role that the application connects as. It keeps no right on the log. */
  readonly appRole: string
  /** A role that may read the log, make partitions and let go of what is old. */
  readonly adminRole?: string | undefined
  /**
   * Hands the log to the admin role, or without one to the role of this connection; or to the role
   * that is named, best one that nobody can log in as.
   *
   * @defaultValue `false`
   */
  readonly takeOwnership?: boolean | string | undefined
  /**
   * Also hands the recorded tables that the application owns, and the types of their columns, to the
   * owner of the log. The application keeps SELECT, INSERT, UPDATE and DELETE; its migrations are to run
   * as the new owner.
   *
   * @defaultValue `false`
   */
  readonly takeTables?: boolean | undefined
  /**
   * Lets the application read the log, as `let_read` does.
   *
   * @defaultValue `false`
   */
  readonly letRead?: boolean | undefined
  /**
   * Only say what would be done, and what each role may do now.
   *
   * @defaultValue `false`
   */
  readonly dryRun?: boolean | undefined
}

/** Something that the application's role can still do against the log. */
export interface HardeningGap {
  readonly capability: CapabilityCode
  readonly message: string
  readonly remedy: string
}

/** What `harden` did, and what each role can still do. */
export interface Hardening {
  /** Whether the application's role can no longer change, forge or silence the log. */
  readonly ok: boolean
  readonly appRole: string
  readonly adminRole: string | null
  /** Who owns the log. */
  readonly owner: string
  /** The statements that were run, or with `dryRun` would be; none where nothing was to do. */
  readonly changes: readonly string[]
  /** The same with its check, as one text for one transaction; empty where nothing is to do. */
  readonly sql: string
  /** Every capability, and by what which role has it. */
  readonly rights: readonly RightsLine[]
  /** What is out of reach of this call, and what ends it. */
  readonly gaps: readonly HardeningGap[]
}

const options = ['appRole', 'adminRole', 'takeOwnership', 'takeTables', 'letRead', 'dryRun']
const ATTEMPTS = 8
/** lock_not_available, deadlock_detected, and what two that grant at once can meet. */
const transient: readonly unknown[] = ['55P03', '40P01', '40001', 'XX000']

/** Makes the log append-only for a role, and tells what each role can still do. */
export async function harden(
  queryable: Queryable,
  schema: string,
  given: HardenOptions,
  { status, lockTimeout }: { readonly status: () => Promise<Status>; readonly lockTimeout: number },
): Promise<Hardening> {
  const { takeOwnership = false, dryRun = false, ...wanted } = checked(given)
  refuseWhileOff(await status())
  const { appRole, adminRole } = wanted
  const owner =
    takeOwnership === false
      ? null
      : takeOwnership === true
        ? (adminRole ?? (await currentRole(queryable)))
        : takeOwnership
  const facts = await readFacts(queryable, schema, { appRole, adminRole, owner })
  const before = await readRights(queryable, schema, [appRole], facts.server)
  refuse(facts, schema, wanted, before, takeOwnership !== false)

  const changes = missingStatements(facts, schema, wanted)
  const sql = changes.length === 0 ? '' : transaction(changes, facts, schema, wanted)
  if (sql !== '' && !dryRun) await run(queryable, schema, sql, lockTimeout)

  const name = dryRun ? facts.holder : (facts.owner?.name ?? facts.holder)
  const roles = [...new Set([appRole, ...(adminRole === null ? [] : [adminRole]), name])]
  const rights = await readRights(queryable, schema, roles, facts.server)
  const report = reportOf(rights, roles, name)
  const gaps = gapsOf(report, appRole)
  return Object.freeze({
    ok: gaps.length === 0,
    appRole,
    adminRole,
    owner: name,
    changes,
    sql,
    rights: report,
    gaps,
  })
}

/** What the application could still do against the log. */
export function gapsOf(report: readonly RightsLine[], appRole: string): readonly HardeningGap[] {
  return Object.freeze(
    report.flatMap(({ capability, label, roles }) => {
      const how = roles[appRole] ?? []
      if (how.length === 0 || !capabilities[capability].isGrave) return []
      const shown = how.length > 3 ? [...how.slice(0, 3), `${how.length - 3} more`] : how
      return [
        Object.freeze({
          capability,
          message: `${appRole} may ${label}: ${shown.join(', ')}`,
          remedy: capabilities[capability].remedy,
        }),
      ]
    }),
  )
}

function checked(given: HardenOptions) {
  checkOptions('harden', given, options)
  const { appRole, adminRole, takeOwnership, takeTables, letRead, dryRun } = given
  for (const [option, value] of Object.entries({ takeTables, letRead, dryRun }))
    checkFlag('harden', option, value)
  if (typeof takeOwnership !== 'string') checkFlag('harden', 'takeOwnership', takeOwnership)
  checkRole('harden', 'appRole', appRole)
  if (typeof adminRole === 'string') checkRole('harden', 'adminRole', adminRole)
  if (typeof takeOwnership === 'string') checkRole('harden', 'takeOwnership', takeOwnership)
  if (adminRole !== undefined && (typeof adminRole !== 'string' || adminRole === appRole)) {
    throw new UsageError(
      `harden was given adminRole: ${show(adminRole)}. Give the name of a role that is not the application's.`,
    )
  }
  return {
    appRole,
    adminRole: adminRole ?? null,
    takeOwnership,
    takeTables: takeTables ?? false,
    letRead: letRead ?? false,
    dryRun,
  }
}

/** Refuses what is no name of a role. */
export function checkRole(call: string, option: string, value: unknown): string {
  if (typeof value === 'string' && value !== '' && !value.includes('\0')) return value
  throw new UsageError(
    `${call} was given ${option}: ${show(value)}. Give the name of a role, as pg_roles has it.`,
  )
}

async function currentRole(queryable: Queryable): Promise<string> {
  const text = 'SELECT current_user::text AS role'
  const [row] = await rowsOf<{ role: string }>(queryable, text, [])
  return row?.role ?? ''
}

/** One simple query, hence one transaction; tried again where somebody held a lock. */
async function run(
  queryable: Queryable,
  schema: string,
  sql: string,
  lockTimeout: number,
): Promise<void> {
  const patient = [
    `SELECT pg_catalog.set_config('auditrum.lock_timeout', pg_catalog.current_setting('lock_timeout'), true), pg_catalog.set_config('lock_timeout', '${lockTimeout}', true);`,
    sql,
    "SELECT pg_catalog.set_config('lock_timeout', pg_catalog.current_setting('auditrum.lock_timeout'), true);",
  ].join('\n')
  for (let attempt = 1; ; attempt++) {
    try {
      await rowsOf(queryable, patient)
      return
    } catch (error) {
      if (!transient.includes(sqlStateOf(error))) throw error
      if (attempt === ATTEMPTS) {
        const lock = { lockTimeout, attempts: ATTEMPTS, exclusive: true }
        const table = `${schema}.audit_event`
        throw new SchemaError(
          `The log was not hardened: ${table} ${await lockProblem(queryable, { ...lock, schema, table })}. Run harden again when that has ended.`,
          { cause: error },
        )
      }
      await pause(50 * attempt * (1 + Math.random()))
    }
  }
}

import { SchemaError, UsageError } from '../errors.js'
import type { Status } from '../install/status.js'
import { quoteIdentifier } from '../sql/quote.js'
import type { Facts } from './facts.js'
import type { Right } from './rights.js'
import type { Wanted } from './statements.js'

/** Findings with which hardening would promise what is not so: recording is off, or can be put off. */
const off: readonly string[] = [
  'log_missing',
  'log_outdated',
  'log_newer',
  'log_unreadable',
  'object_missing',
  'function_edited',
  'pausing_allowed',
  'table_missing',
  'not_tracked',
  'trigger_missing',
  'trigger_disabled',
  'trigger_altered',
  'trigger_stray',
  'foreign_cast',
]

/** Refuses while the recording of a table is off, or may be put off by a call. */
export function refuseWhileOff(status: Status): void {
  const found = status.findings.filter(
    ({ code, severity }) =>
      off.includes(code) || (code === 'partition_trigger_missing' && severity === 'error'),
  )
  const [first] = found
  if (!first) return
  if (first.code === 'log_unreadable') {
    throw new SchemaError(
      'The role of this connection may not read the log, so it cannot harden it. Run harden as the owner of the log, as a member of it, or as a superuser.',
    )
  }
  const more = found.length > 1 ? ` (and ${found.length - 1} more in status)` : ''
  throw new SchemaError(
    `The log cannot be hardened yet: ${first.message}${more}. ${first.remedy} Then run harden again.`,
  )
}

/** Refuses what hardening could not take from the application's role. */
export function refuse(
  facts: Facts,
  schema: string,
  wanted: Wanted,
  rights: readonly Right[],
  isTaken: boolean,
): void {
  const { appRole, adminRole } = wanted
  const fail = (message: string) => {
    throw new SchemaError(message)
  }
  for (const [name, role] of [
    [appRole, facts.app],
    [adminRole, facts.admin],
  ] as const) {
    if (name !== null && role === null) {
      fail(`There is no role ${name} here. Create it first, or correct the name.`)
    }
  }
  if (facts.owner === null) {
    fail('There is no role of the name that takeOwnership gives. Create it first, or correct it.')
  }
  if (facts.app?.isSuperuser) {
    fail(
      `The role ${appRole} is a superuser, from whom nothing can be taken. Let the application connect as a role that is none: ALTER ROLE ${quoteIdentifier(appRole)} NOSUPERUSER.`,
    )
  }
  const [superuser] = facts.superusers
  if (superuser !== undefined) {
    fail(
      `The role ${appRole} can become ${superuser}, a superuser. End that first: REVOKE ${quoteIdentifier(superuser)} FROM ${quoteIdentifier(appRole)}.`,
    )
  }
  if (adminRole !== null && facts.adminWithin.length > 0) {
    throw new UsageError(
      `The role ${appRole} is, or can become, the admin role ${adminRole}, and would have what it is given. Name another admin role, or end the membership.`,
    )
  }
  const [holder] = facts.foreignOwners
  if (holder !== undefined && !isTaken) {
    fail(
      `The role ${appRole} ${holder === appRole ? 'owns' : `can become ${holder}, who owns`} the log in the schema ${schema}, or a part of it, so it may change and drop every event, and no REVOKE holds it back. Run harden with takeOwnership (--take-ownership) as a role that is not the application's, or hand it over by ALTER … OWNER TO.`,
    )
  }
  const [within] = facts.ownerWithin
  if (within !== undefined) {
    fail(
      within === appRole
        ? `The role ${appRole} would own the log itself. Give the log to another role: takeOwnership: 'log_owner' (--take-ownership log_owner).`
        : `The role ${appRole} can become ${within}, who owns the log. End that first: REVOKE ${quoteIdentifier(within)} FROM ${quoteIdentifier(appRole)}.`,
    )
  }
  if (facts.memberOf.includes('pg_write_all_data')) {
    fail(
      `The role ${appRole} is a member of pg_write_all_data, by which it may change every table, the log included. Take that away first: REVOKE pg_write_all_data FROM ${quoteIdentifier(appRole)}, and grant what it needs.`,
    )
  }
  const [foreign] = facts.foreign
  if (foreign !== undefined) {
    fail(
      `The log in the schema ${schema} holds what auditrum did not make: ${facts.foreign.join(', ')}. Look at it, drop or mend it, and run harden again.`,
    )
  }
  if (!facts.mayChange) {
    fail(
      `The role ${facts.role} does not have the rights of ${facts.holder}, who owns the log. Run harden as ${facts.holder}, as a member of it, or as a superuser.`,
    )
  }
  if (wanted.takeTables && facts.handingNeeds.length > 0) {
    fail(
      `The tables cannot be handed to ${facts.owner?.name} yet, which takes ${facts.handingNeeds.join(', and ')}. Grant that, which can be taken back afterwards, or run harden as a superuser.`,
    )
  }
  const condition = rights.find(({ capability }) => capability === 'run_as_condition')
  if (condition) {
    fail(
      `The role ${appRole} could run its own code as the owner of the log: ${condition.how}. Hand function and schema to a role that the application cannot become, or write the condition without it.`,
    )
  }
}

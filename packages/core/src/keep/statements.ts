import { isDeepStrictEqual } from 'node:util'
import { quoteIdentifier, quoteLiteral } from '../sql/quote.js'
import { render } from '../sql/template.js'
import { closed } from './capabilities.js'
import type { Facts, Grant, OwnedTable, Remembered } from './facts.js'
import { keepingFunctions, readingFunctions } from './rights.js'

/** What is to become of the log's roles: the options of `harden`, checked. */
export interface Wanted {
  readonly appRole: string
  readonly adminRole: string | null
  readonly takeTables: boolean
  readonly letRead: boolean
}

/** The statements that are missing, in their order; none where everything is as it should be. */
export function missingStatements(facts: Facts, schema: string, wanted: Wanted): readonly string[] {
  const log = quoteIdentifier(schema)
  const owner = quoteIdentifier(facts.owner?.name ?? facts.holder)
  const taken = wanted.takeTables ? facts.tables : []
  const letRead = (role: string) =>
    `SELECT ${log}.let_read(${quoteLiteral(quoteIdentifier(role))}::pg_catalog.regrole)`
  const isOwner = wanted.adminRole === facts.owner?.name
  const { adminRole } = wanted
  const revoked = facts.revoked.flatMap((grant) => revocations(grant, owner, wanted.letRead))
  // what somebody may by PUBLIC, say, is gone with it
  const isLess = revoked.length > 0
  return Object.freeze([
    ...facts.rowRights.flatMap(({ statement, mayRevoke, isTaken }) =>
      mayRevoke && (wanted.takeTables || !isTaken) ? [statement] : [],
    ),
    ...facts.ownerNeeds,
    ...taken.flatMap((table) => handOver(table, owner)),
    ...(wanted.takeTables ? facts.types.map((type) => `ALTER TYPE ${type} OWNER TO ${owner}`) : []),
    ...facts.moved,
    // from here on as who owns the log
    ...(facts.moved.length > 0 && !facts.isSuperuser ? [`SET LOCAL ROLE ${owner}`] : []),
    ...taken.flatMap(({ captures, owner: before }) =>
      captures.map((capture) => `REVOKE ALL ON ROUTINE ${capture} FROM ${before} CASCADE`),
    ),
    ...facts.callers.flatMap(({ table, statement }) =>
      taken.some(({ name }) => name === table) ? [] : [statement],
    ),
    ...facts.defaults,
    ...revoked,
    ...(wanted.letRead && (isLess || facts.mayRead?.[wanted.appRole] !== true)
      ? [letRead(wanted.appRole)]
      : []),
    ...(adminRole !== null && !isOwner && (isLess || facts.mayRead?.[adminRole] !== true)
      ? [letRead(adminRole)]
      : []),
    ...(adminRole !== null && !isOwner && (isLess || !facts.mayMaintain)
      ? [
          `SELECT ${log}.let_maintain(${quoteLiteral(quoteIdentifier(adminRole))}::pg_catalog.regrole)`,
        ]
      : []),
    ...(isDeepStrictEqual(facts.settings[wanted.appRole], remembered(wanted))
      ? []
      : [
          render('keep/remember', schema)
            .replace(/^--.*\n/gm, '')
            .trim(),
        ]),
  ])
}

/** The statements, and the check of what has become of them, as one text for one transaction. */
export function transaction(
  statements: readonly string[],
  facts: Facts,
  schema: string,
  wanted: Wanted,
): string {
  // a predefined role gives these on every table: no statement on the log can take them
  const beyond: readonly string[] = [
    ...(facts.memberOf.includes('pg_read_all_data') ? ['read_log', 'read_keys'] : []),
    ...(facts.memberOf.includes('pg_maintain') ? ['lock_log'] : []),
    ...(wanted.letRead ? ['read_log'] : []),
  ]
  const asked = JSON.stringify({
    app: wanted.appRole,
    reading: readingFunctions,
    keeping: keepingFunctions,
    closed: closed.filter((capability) => !beyond.includes(capability)),
    remembered: remembered(wanted),
  })
  const check = render('keep/check', schema).replace(':rights', () =>
    render('keep/rights', schema).trim(),
  )
  const log = quoteIdentifier(schema)
  return [
    `SELECT pg_catalog.set_config('auditrum.search_path', pg_catalog.current_setting('search_path'), true), pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true), pg_catalog.set_config('auditrum.role', pg_catalog.current_setting('role'), true), pg_catalog.set_config('auditrum.hardening', ${quoteLiteral(asked)}, true)`,
    `LOCK TABLE ${log}.audit_setting IN SHARE ROW EXCLUSIVE MODE`,
    // in the order in which every write takes them: in another it would deadlock with the writers
    ...(facts.moved.length > 0
      ? [`LOCK TABLE ONLY ${log}.audit_context, ONLY ${log}.audit_event IN ACCESS EXCLUSIVE MODE`]
      : []),
    ...statements,
    check.trim(),
    `SELECT pg_catalog.set_config('role', pg_catalog.current_setting('auditrum.role'), true), pg_catalog.set_config('search_path', pg_catalog.current_setting('auditrum.search_path'), true)`,
  ]
    .map((statement) => `${statement};\n`)
    .join('')
}

function remembered({ adminRole, letRead }: Wanted): Remembered {
  return { admin: adminRole, letRead }
}

function revocations(grant: Grant, owner: string, letRead: boolean): readonly string[] {
  // the old owner's rights become the new one's; the new owner is no stranger
  if (grant.grantee === owner || (letRead && grant.isReading)) return []
  const of = `${grant.kind} ${grant.name}`
  return [
    `REVOKE ALL ON ${of} FROM ${grant.grantee} CASCADE`,
    ...(grant.grantors ?? [])
      .filter((grantor) => grantor !== grant.grantee && grantor !== owner)
      .map((grantor) => `REVOKE GRANT OPTION FOR ALL ON ${of} FROM ${grantor} CASCADE`),
  ]
}

/** Another owner, while the application goes on reading and writing. */
function handOver({ name, owner: before, sequences }: OwnedTable, owner: string): string[] {
  return [
    `ALTER TABLE ${name} OWNER TO ${owner}`,
    `GRANT SELECT, INSERT, UPDATE, DELETE ON ${name} TO ${before}`,
    ...sequences.map((sequence) => `GRANT USAGE, SELECT ON SEQUENCE ${sequence} TO ${before}`),
  ]
}

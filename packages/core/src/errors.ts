/** What kind of error an {@link AuditrumError} is. Told apart by this, not by `instanceof`: a process may hold two copies of this package. */
export type AuditrumErrorCode =
  | 'AUDITRUM_DECLARATION'
  | 'AUDITRUM_CONTEXT'
  | 'AUDITRUM_SCHEMA'
  | 'AUDITRUM_CONFLICT'
  | 'AUDITRUM_INTEGRITY'
  | 'AUDITRUM_USAGE'

/** The base of all errors of this project. Its message is two sentences: what is wrong, and what to do. */
export class AuditrumError extends Error {
  readonly code: AuditrumErrorCode

  constructor(code: AuditrumErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options)
    this.name = new.target.name
    this.code = code
  }
}

/** A declaration that contradicts itself or does not fit its table. */
export class DeclarationError extends AuditrumError {
  constructor(message: string, options?: { readonly cause?: unknown }) {
    super('AUDITRUM_DECLARATION', message, options)
  }
}

/**
 * Not all of an audit context could be stored; `onError` hears of it. Also what a call of this project is
 * refused with where a table requires a context. A statement of the application is refused with its
 * driver's own error, whose `code` is `AU001`.
 */
export class ContextError extends AuditrumError {
  constructor(message: string, options?: { readonly cause?: unknown }) {
    super('AUDITRUM_CONTEXT', message, options)
  }
}

/** The log in the database is missing, too old, too new, or out of reach for this role. */
export class SchemaError extends AuditrumError {
  constructor(message: string, options?: { readonly cause?: unknown }) {
    super('AUDITRUM_SCHEMA', message, options)
  }
}

/** Somebody else's change that `revert` would overwrite. int8 and numeric are strings. */
export interface RevertConflict {
  /** The last of the row's events that are undone. */
  readonly eventId: string
  readonly schema: string
  readonly table: string
  readonly objectId: string | null
  /** Null where it is the row as a whole: gone, there again, or referred to. */
  readonly column: string | null
  /** As what is undone had left it. */
  readonly expected: unknown
  /** As it is now. */
  readonly present: unknown
  /** As it was before. */
  readonly wanted: unknown
  /** The table, and its columns, of a row that refers to this one, which therefore cannot go. */
  readonly referrer: string | null
  /** The last event behind it; null where none is recorded. */
  readonly changedBy: {
    readonly eventId: string
    readonly userId: string | null
    readonly changedAt: string
    readonly changeReason: string | null
    readonly dbUser: string
  } | null
}

/** What was to be done meets a later change, or names more than one thing. */
export class ConflictError extends AuditrumError {
  /** Of `revert`: what was changed since, side by side. */
  readonly conflicts: readonly RevertConflict[] | undefined

  constructor(
    message: string,
    options?: { readonly cause?: unknown; readonly conflicts?: readonly RevertConflict[] },
  ) {
    super('AUDITRUM_CONFLICT', message, options)
    this.conflicts = options?.conflicts
  }
}

/** The log is not what it was when it was sealed. */
export class IntegrityError extends AuditrumError {
  constructor(message: string, options?: { readonly cause?: unknown }) {
    super('AUDITRUM_INTEGRITY', message, options)
  }
}

/** A call that cannot be meant as written. */
export class UsageError extends AuditrumError {
  constructor(message: string, options?: { readonly cause?: unknown }) {
    super('AUDITRUM_USAGE', message, options)
  }
}

const kinds: Readonly<
  Record<string, new (message: string, options?: { cause: unknown }) => AuditrumError>
> = {
  AU001: ContextError,
  AU002: DeclarationError,
  AU003: SchemaError,
  AU004: ConflictError,
  AU005: UsageError,
  AU006: IntegrityError,
}

/**
 * Turns what the database refused into an error of this project, where its SQLSTATE is one of ours
 * (`AU001` …) or says that the log or a privilege is missing. Any other error comes back as it is.
 */
export function fromDatabase(error: unknown): unknown {
  if (typeof error !== 'object' || error === null || !('code' in error)) return error
  const { code, hint, message } = error as { code: unknown; hint?: unknown; message?: unknown }
  const text = String(message ?? '')
  const kind = kinds[String(code)]
  if (kind) return new kind(typeof hint === 'string' ? `${text} ${hint}` : text, { cause: error })
  // invalid_schema_name, undefined_table, undefined_function: every statement of ours names the log
  if (code === '3F000' || code === '42P01' || code === '42883') {
    return new SchemaError(
      `The log is not installed here, or not whole: ${text}. Run sync, or look for the log with the option schema.`,
      { cause: error },
    )
  }
  if (code === '42501') {
    return new SchemaError(
      `The role of this connection lacks a privilege: ${text}. ${privilegeRemedy(text)}`,
      { cause: error },
    )
  }
  return error
}

/** Keeping the log is granted by let_maintain, erasing by let_erase, reading by let_read, the application's tables by neither. */
function privilegeRemedy(text: string): string {
  const [, kind, name = ''] = /denied for (function|procedure|table|view) (\S+)/.exec(text) ?? []
  if ((kind === 'function' || kind === 'procedure') && keeping.includes(name)) {
    return `Connect as the admin role that harden was given, or as the owner of the log, who lets a role keep it by select auditrum.let_maintain('…').`
  }
  if (/^erase(_row|_user|_statistics)?$/.test(name)) {
    return `Connect as the owner of the log, who lets a role erase by select auditrum.let_erase('…').`
  }
  if (
    (kind === 'table' || kind === 'view') &&
    !/^audit_|^(auditlog|contexts|erasures|purges)$/.test(name)
  ) {
    return `Let it read the table: GRANT SELECT ON ${name} (and what else is to be done there), or connect as a role that may.`
  }
  if (/^audit_(event|context)\w/.test(name)) {
    return `It is a partition that a purge is letting go of: verify again once that is done, or let the owner of the log GRANT SELECT ON it.`
  }
  if (verifying.includes(name)) {
    return `The verification in this process (independent) takes what let_read does not give: verify without it, or let the owner of the log GRANT SELECT ON ${verifying.join(', ')} (with their schema). What reading the log takes is granted by select auditrum.let_read('…').`
  }
  return `Grant it, or connect as a role that has it; what reading the log takes is granted by select auditrum.let_read('…').`
}

/** What sql/functions/let_maintain.sql grants, as far as it is called. */
const keeping = [
  'close_overflow',
  'create_partitions',
  'maintain',
  'maintain_step',
  'purge',
  'run_maintenance',
  'seal',
]

/** The tables that verification reads where it asks no function of the log. */
const verifying = [
  'audit_event',
  'audit_context',
  'audit_table',
  'audit_purge',
  'audit_erasure',
  'audit_seal',
  'audit_leaf',
]

/** The SQLSTATE of an error of the database, also where it is the cause of one of ours. */
export function sqlStateOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined
  const { code, cause } = error as { code?: unknown; cause?: unknown }
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : sqlStateOf(cause)
}

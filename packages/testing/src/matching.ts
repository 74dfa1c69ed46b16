import type { AuditEvent } from '@auditrum/core'

/** What an event is to hold; what is not named is not looked at. */
export interface ExpectedEvent {
  readonly operation?: AuditEvent['operation']
  /** `user_id` of the context: 7 is as good as `'7'`. Null: nobody. */
  readonly userId?: string | number | bigint | null
  readonly changeReason?: string | null
  readonly source?: string | null
  /** Part of the context's metadata. */
  readonly metadata?: Readonly<Record<string, unknown>>
  /** Part of the diff: `{ status: { old: 'new', new: 'paid' } }`. */
  readonly diff?: Readonly<Record<string, { readonly old?: unknown; readonly new?: unknown }>>
  /** Part of the row before. */
  readonly old?: Readonly<Record<string, unknown>> | null
  /** Part of the row after. */
  readonly new?: Readonly<Record<string, unknown>> | null
  readonly meta?: Readonly<Record<string, unknown>> | null
  readonly masked?: readonly string[] | null
  readonly dbUser?: string
}

/** The part of an event that {@link ExpectedEvent} speaks of. */
export function described(event: AuditEvent): Readonly<Record<keyof ExpectedEvent, unknown>> {
  const { operation, diff, old, new: row, meta, masked, dbUser } = event
  const metadata = event.context?.metadata ?? {}
  return {
    operation,
    userId: event.userId,
    changeReason: textOrNull(metadata.change_reason),
    source: textOrNull(metadata.source),
    metadata,
    diff,
    old,
    new: row,
    meta,
    masked,
    dbUser,
  }
}

/**
 * Whether a value holds everything that is expected of it. Values of the log are JSON: a number in
 * the place of a text (int8, numeric, ids) and a Date in the place of a time are equal to it. What
 * has `asymmetricMatch`, such as `expect.any(String)`, decides itself.
 */
export function matches(actual: unknown, expected: unknown): boolean {
  if (expected === undefined) return true
  if (isMatcher(expected)) return expected.asymmetricMatch(actual)
  if (expected instanceof Date) {
    return typeof actual === 'string' && new Date(zoned(actual)).getTime() === expected.getTime()
  }
  if (Array.isArray(expected)) {
    return (
      Array.isArray(actual) &&
      actual.length === expected.length &&
      expected.every((each, index) => matches(actual[index], each))
    )
  }
  if (typeof expected === 'object' && expected !== null) {
    return (
      typeof actual === 'object' &&
      actual !== null &&
      Object.entries(expected).every(([name, value]) =>
        matches((actual as Record<string, unknown>)[name], value),
      )
    )
  }
  const isNumber = typeof expected === 'number' || typeof expected === 'bigint'
  return actual === expected || (isNumber && actual === String(expected))
}

/** The part of a value that is expected of it, so that a difference shows nothing else. */
export function partOf(actual: unknown, expected: unknown): unknown {
  if (isMatcher(expected) || expected === null || typeof expected !== 'object') return actual
  if (typeof actual !== 'object' || actual === null || Array.isArray(expected)) return actual
  return Object.fromEntries(
    Object.entries(expected)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [name, partOf((actual as Record<string, unknown>)[name], value)]),
  )
}

/** A timestamp without time zone is read as UTC, as drivers and the log do not. */
function zoned(time: string): string {
  return /([zZ]|[+-]\d\d(:?\d\d)?)$/.test(time) || !time.includes('T') ? time : `${time}Z`
}

function isMatcher(value: unknown): value is { asymmetricMatch(actual: unknown): boolean } {
  return typeof (value as { asymmetricMatch?: unknown } | null)?.asymmetricMatch === 'function'
}

function textOrNull(value: unknown): string | null {
  return value === undefined || value === null ? null : String(value)
}

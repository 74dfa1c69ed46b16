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

/** The names in an {@link ExpectedEvent}. */
export const expectations = [
  'operation',
  'userId',
  'changeReason',
  'source',
  'metadata',
  'diff',
  'old',
  'new',
  'meta',
  'masked',
  'dbUser',
] satisfies (keyof ExpectedEvent)[]

/** The part of an event that {@link ExpectedEvent} speaks of. */
export function described(event: AuditEvent): Readonly<Record<keyof ExpectedEvent, unknown>> {
  const part = Object.fromEntries(expectations.map((name) => [name, Reflect.get(event, name)]))
  return { ...part, metadata: event.context?.metadata ?? {} } as Record<
    keyof ExpectedEvent,
    unknown
  >
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
    if (!isPlain(expected)) {
      throw new TypeError(
        `A ${expected.constructor.name} is nothing that the log holds. Expect a value of JSON, a Date, or what has asymmetricMatch.`,
      )
    }
    return (
      typeof actual === 'object' &&
      actual !== null &&
      Object.entries(expected).every(([name, value]) =>
        matches((actual as Record<string, unknown>)[name], value),
      )
    )
  }
  if (actual === expected) return true
  if (typeof actual !== 'string' || !/^-?\d+(\.\d+)?$/.test(actual)) return false
  // 45 is what numeric(10, 2) has as 45.00
  if (typeof expected === 'bigint') return actual.replace(/\.0+$/, '') === String(expected)
  return typeof expected === 'number' && Number(actual) === expected
}

function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

/** The part of a value that is expected of it; what is as expected as it was, so that only a difference shows. */
export function partOf(actual: unknown, expected: unknown): unknown {
  if (matches(actual, expected)) return expected
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

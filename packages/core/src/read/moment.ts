import { sqlStateOf, UsageError } from '../errors.js'
import { show } from '../options.js'
import { momentText } from './filter.js'

/**
 * A moment in the past: a Date (all of its millisecond), ISO 8601 with up to microseconds (in UTC where it names no zone), or
 * right after an event or a transaction, by their ids as events carry them.
 */
export type Moment =
  | Date
  | string
  | { readonly event: string | number | bigint }
  | { readonly transaction: string | number | bigint }

/** A moment as three values of SQL, of which two are null: a time, an event, a transaction. */
export function momentValues(at: Moment): [string | null, string | null, string | null] {
  const time = momentText(at)
  // a Date has milliseconds, PostgreSQL has microseconds: what happened in that one counts
  if (time !== undefined)
    return [at instanceof Date ? time.replace(/Z$/, '999Z') : time, null, null]
  if (typeof at === 'object' && at !== null && !(at instanceof Date)) {
    const [[kind, id] = [], ...others] = Object.entries(at)
    if (others.length === 0 && isId(id)) {
      if (kind === 'event') return [null, String(id), null]
      if (kind === 'transaction') return [null, null, String(id)]
    }
  }
  const shown = at instanceof Date ? 'An invalid Date' : (show(at) ?? String(at))
  throw new UsageError(
    `${shown} is no moment. Give a Date, ISO 8601 such as 2026-11-01T12:00:00.123456Z, { event: id } or { transaction: id }.`,
  )
}

/** Whether a value is a moment by its form: for calls that take one, or something else. */
export function looksLikeMoment(value: unknown): boolean {
  if (value instanceof Date || typeof value === 'string') return true
  return typeof value === 'object' && value !== null && ('event' in value || 'transaction' in value)
}

/** Of an error of the database about a time that only it can refuse, one about the moment. */
export function refusedMoment(at: Moment, error: unknown): unknown {
  // invalid_datetime_format, datetime_field_overflow
  if (!/^2200[78]$/.test(sqlStateOf(error) ?? '')) return error
  return new UsageError(
    `The time ${show(at)} is not in the calendar. Give ISO 8601 such as 2026-11-01T12:00:00.123456Z.`,
    { cause: error },
  )
}

/** Whether a value can be the id of an event or a transaction. */
export function isId(id: unknown): boolean {
  const isNumber = typeof id === 'bigint' || (typeof id === 'number' && Number.isSafeInteger(id))
  if (!isNumber && typeof id !== 'string') return false
  // within the range of bigint
  return /^\d{1,19}$/.test(String(id)) && BigInt(id as string) < 2n ** 63n
}

import { isPlainObject } from '../options.js'

/** The members of an entry of the chain, from its text; undefined where it is no JSON object. */
export function parseEntry(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const entry: unknown = JSON.parse(text)
    return isPlainObject(entry) ? entry : undefined
  } catch {
    return undefined
  }
}

/** Whether it is the uuid of a log, as the first entry of its chain names it. */
export function isLog(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(value)
}

/** Microseconds since 1970 as ISO 8601; what is no time of a calendar stays as it is. */
export function timeOfMicroseconds(microseconds: unknown): string {
  const text = String(microseconds)
  if (!/^-?\d{1,19}$/.test(text)) return text
  const all = BigInt(text)
  const fraction = ((all % 1_000_000n) + 1_000_000n) % 1_000_000n
  const date = new Date(Number((all - fraction) / 1000n))
  if (Number.isNaN(date.getTime())) return text
  return date.toISOString().replace('.000Z', `.${String(fraction).padStart(6, '0')}Z`)
}

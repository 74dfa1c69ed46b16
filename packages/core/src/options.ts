import { UsageError } from './errors.js'
import { nearest } from './nearest.js'

/**
 * Refuses options that are no object, or that the call does not know: `{ dryrun: true }` would be
 * none, and the call would do what it was told not to.
 */
export function checkOptions(call: string, options: unknown, known: readonly string[]): void {
  if (!isPlainObject(options)) {
    throw new UsageError(
      `${call} was given ${show(options)} as its options. Give an object of ${known.join(', ')}.`,
    )
  }
  for (const option of Object.keys(options)) {
    if (!known.includes(option)) {
      throw new UsageError(
        `${call} has no option "${option}". ${didYouMean(option, known) ?? `Its options are ${known.join(', ')}.`}`,
      )
    }
  }
}

/** Refuses what is neither true nor false: `'false'` would be true. */
export function checkFlag(call: string, option: string, value: unknown): void {
  if (value !== undefined && typeof value !== 'boolean') {
    throw new UsageError(`${call} was given ${option}: ${show(value)}. Give true or false.`)
  }
}

/** The question that ends a message about an unknown name, if there is a near one. */
export function didYouMean(name: string, known: readonly string[]): string | undefined {
  const near = nearest(name, known)
  return near === undefined ? undefined : `Did you mean "${near}"?`
}

export function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A value as it stands in a message, whatever it is, and short. */
export function show(value: unknown): string {
  let text: string | undefined
  try {
    text = JSON.stringify(value)
  } catch {
    // a bigint, or an object that contains itself
  }
  text ??= typeof value === 'function' ? 'a function' : String(value)
  return text.length > 80 ? `${text.slice(0, 79)}…` : text
}

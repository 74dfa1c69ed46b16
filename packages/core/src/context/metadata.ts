import type { StoredContext } from './store.js'

/** Something of a context that could not be had or stored, in words. */
export type Problem = string

/** A function that failed, and the context that it stands in. */
export interface Unanswered {
  readonly context: StoredContext
  readonly name: string
  readonly problem: Problem
}

let asking = false

/**
 * Calls the functions among the values, here and in the contexts around; what they answer stays. A
 * function that asks for the context itself finds those that have answered.
 */
export function ask(context: StoredContext): Unanswered[] {
  if (asking) return []
  asking = true
  try {
    const unanswered: Unanswered[] = []
    for (let at: StoredContext | undefined = context; at; at = at.parent) askOne(at, unanswered)
    return unanswered
  } finally {
    asking = false
  }
}

function askOne(context: StoredContext, unanswered: Unanswered[]): void {
  for (const [name, value] of Object.entries(context.own)) {
    const reason = unusable(name, value)
    if (reason !== undefined) unanswered.push({ context, name, problem: `${name}: ${reason}` })
    if (typeof value !== 'function') continue
    try {
      const answer: unknown = value()
      if (answer === undefined || answer === null) continue
      if (answer instanceof Promise) {
        answer.catch(() => undefined)
        throw new TypeError('the function returned a promise; it must know the value at once')
      }
      context.own[name] = answer
      context.revision++
    } catch (error) {
      const problem = `${name}: ${error instanceof Error ? error.message : String(error)}`
      unanswered.push({ context, name, problem })
    }
  }
}

/** Why a value cannot be what it is given as: JSON would make something of it that misleads. */
function unusable(name: string, value: unknown): string | undefined {
  if (value instanceof Promise) return 'it is a promise; await it before'
  if (name !== 'user_id' || value === null) return undefined
  return typeof value === 'object' || typeof value === 'boolean'
    ? `${Array.isArray(value) ? 'a list' : `a value of type ${typeof value}`} names no user; give the id`
    : undefined
}

/** The metadata of a context and those around it; what no function has answered yet is left out. */
export function metadataOf(context: StoredContext): Record<string, unknown> {
  const { parent, own } = context
  const metadata = parent ? metadataOf(parent) : {}
  for (const [name, value] of Object.entries(own)) {
    if (typeof value === 'function' || value === undefined || unusable(name, value)) continue
    const outer = metadata[name]
    const nested =
      name === 'change_reason' && outer !== undefined && outer !== null && value !== null
    metadata[name] = nested ? `${outer} -> ${value}` : value
  }
  return metadata
}

/**
 * The JSON of metadata with everything that PostgreSQL can store of it, in ASCII, so that it passes
 * into a database of any encoding. NUL and lone surrogates, which jsonb refuses, become U+FFFD.
 *
 * @param limit bytes; over it the largest values are left out.
 */
export function storable(
  metadata: Readonly<Record<string, unknown>>,
  limit: number,
): { readonly json: string; readonly problems: readonly Problem[] } {
  const simple = plainJson(metadata)
  if (simple !== undefined && simple.length <= limit) return { json: simple, problems: [] }

  const problems: Problem[] = []
  const members: { name: string; text: string }[] = []
  for (const [name, value] of Object.entries(metadata)) {
    try {
      const json = JSON.stringify(value)
      if (json !== undefined) members.push({ name, text: ascii(`${JSON.stringify(name)}:${json}`) })
    } catch (error) {
      // the first line: what JSON.stringify says of a cycle goes on for several
      const [reason] = String(error instanceof Error ? error.message : error).split('\n')
      problems.push(`${name}: ${reason}`)
    }
  }
  let size = members.reduce((sum, { text }) => sum + text.length + 1, 1)
  const dropped = new Set<string>()
  for (const { name, text } of members.toSorted((a, b) => b.text.length - a.text.length)) {
    if (size <= limit) break
    size -= text.length + 1
    dropped.add(name)
    problems.push(`${name}: its ${text.length} bytes are too many, the whole may have ${limit}`)
  }
  const kept = members.filter(({ name }) => !dropped.has(name))
  return { json: `{${kept.map(({ text }) => text).join(',')}}`, problems }
}

/** JSON in ASCII; the first alternative keeps an escaped backslash from being read as an escape's. */
function ascii(json: string): string {
  return json
    .replaceAll(/\\\\|\\u0000|\\ud[89a-f][0-9a-f]{2}/g, (found) =>
      found === '\\\\' ? found : '\\ufffd',
    )
    .replaceAll(
      /[\u0080-\uffff]/g,
      (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
    )
}

/** The JSON of metadata in which nothing needs care: nearly all of it, and five times as fast. */
function plainJson(metadata: Readonly<Record<string, unknown>>): string | undefined {
  try {
    const json = JSON.stringify(metadata)
    return /^[\x20-\x7e]*$/.test(json) && !json.includes('\\u') ? json : undefined
  } catch {
    return undefined
  }
}

import { types } from 'node:util'
import type { StoredContext } from './store.js'

/** Something of a context that could not be had or stored, in words. */
export type Problem = string

/** A function that failed, and the context that it stands in. */
export interface Unanswered {
  readonly context: StoredContext
  readonly name: string
  readonly problem: Problem
}

/** What `write_context` accepts, in bytes. */
const LONGEST_USER_ID = 1_024

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
  const standing = (context as Standing)[questions]
  for (const [name, value] of Object.entries({ ...context.own, ...standing })) {
    try {
      const reason = unusable(name, value)
      if (reason !== undefined) throw new TypeError(reason)
      if (typeof value !== 'function') continue
      const answer: unknown = value()
      if (answer === undefined || answer === null) continue
      if (types.isPromise(answer)) {
        answer.catch(() => undefined)
        throw new TypeError('the function returned a promise; it must know the value at once')
      }
      const wrong = unusable(name, answer)
      if (wrong !== undefined) throw new TypeError(wrong)
      if (context.own[name] === answer) continue
      context.own[name] = answer
      context.revision++
      if (asksAgain in value) {
        const known = (context as Standing)[questions]
        ;(context as Standing)[questions] = { ...known, [name]: value }
      }
    } catch (error) {
      unanswered.push({ context, name, problem: `${name}: ${oneLine(inWords(error))}` })
    }
  }
}

/** Whether a context, or one around it, has functions that have not answered. */
export function hasQuestions(context: StoredContext): boolean {
  const { own, parent } = context
  return (
    (context as Standing)[questions] !== undefined ||
    Object.values(own).some((value) => typeof value === 'function') ||
    (parent !== undefined && hasQuestions(parent))
  )
}

/** What is asked again though it was answered, because the answer may change. */
interface Standing extends StoredContext {
  [questions]?: Readonly<Record<string, unknown>>
}

const questions = Symbol.for('auditrum.questions.1')
const asksAgain = Symbol.for('auditrum.again.1')

/** A value that is asked for in each transaction; while it knows nothing, its last answer stays. */
export function askedAgain<Value>(question: () => Value): () => Value {
  return Object.assign(question, { [asksAgain]: true })
}

/** What is said otherwise is not asked again. */
export function forgetQuestions(context: StoredContext, names: readonly string[]): void {
  const standing = (context as Standing)[questions]
  if (!standing) return
  const left = Object.entries(standing).filter(([name]) => !names.includes(name))
  ;(context as Standing)[questions] = Object.fromEntries(left)
}

/** Why a value cannot be what it is given as: JSON would make something of it that misleads. */
function unusable(name: string, value: unknown): string | undefined {
  // not instanceof, which asks a proxy for its prototype, and that may throw
  if (types.isPromise(value)) return 'it is a promise; await it before'
  if (name !== 'user_id' || value === null) return undefined
  if (typeof value === 'string' && Buffer.byteLength(value) > LONGEST_USER_ID) {
    return `its ${Buffer.byteLength(value)} bytes are too many, it may have ${LONGEST_USER_ID}`
  }
  if (typeof value === 'number' && !Number.isFinite(value))
    return `${value} names no user; give the id`
  return ['object', 'boolean', 'symbol'].includes(typeof value)
    ? `${Array.isArray(value) ? 'a list' : `a value of type ${typeof value}`} names no user; give the id`
    : undefined
}

/** The metadata of a context and those around it; what no function has answered yet is left out. */
export function metadataOf(context: StoredContext): Record<string, unknown> {
  const { parent, own } = context
  // without a prototype, or a key "__proto__" would be one
  const metadata: Record<string, unknown> = parent ? metadataOf(parent) : Object.create(null)
  for (const [name, value] of Object.entries(own)) {
    if (typeof value === 'function' || value === undefined) continue
    if (unusable(name, value)) {
      // whoever it was to be, not the one around: better nobody than a wrong one
      if (name === 'user_id') delete metadata[name]
      continue
    }
    const outer = metadata[name]
    const nested =
      name === 'change_reason' && outer !== undefined && outer !== null && value !== null
    metadata[name] = nested ? `${inWords(outer)} -> ${inWords(value)}` : value
  }
  return metadata
}

/**
 * The JSON of metadata with everything that PostgreSQL can store of it, in ASCII, so that it passes
 * into a database of any encoding. NUL and lone surrogates, which jsonb refuses, become U+FFFD.
 *
 * @param limit bytes, with numbers written out as jsonb does; over it the largest values are left out.
 */
export function storable(
  metadata: Readonly<Record<string, unknown>>,
  limit: number,
): { readonly json: string; readonly problems: readonly Problem[] } {
  const simple = plainJson(metadata)
  if (simple !== undefined && bytesOf(simple) <= limit) return { json: simple, problems: [] }

  const problems: Problem[] = []
  const members: { name: string; text: string; size: number }[] = []
  for (const [name, value] of Object.entries(metadata)) {
    try {
      const json = JSON.stringify(value)
      if (json === undefined) continue
      const text = ascii(`${JSON.stringify(name)}:${json}`)
      members.push({ name, text, size: bytesOf(text) + 1 })
    } catch (error) {
      // the first line: what JSON.stringify says of a cycle goes on for several
      const [reason] = inWords(error).split('\n')
      problems.push(`${name}: ${reason}`)
    }
  }
  let sum = members.reduce((sum, { size }) => sum + size, 1)
  const dropped = new Set<string>()
  for (const { name, size } of members.toSorted((a, b) => b.size - a.size)) {
    if (sum <= limit) break
    sum -= size
    dropped.add(name)
    problems.push(`${name}: its ${size - 1} bytes are too many, the whole may have ${limit}`)
  }
  const kept = members.filter(({ name }) => !dropped.has(name))
  return { json: `{${kept.map(({ text }) => text).join(',')}}`, problems }
}

/** The size of JSON in ASCII once jsonb has written its numbers out: 1e300 has 301 digits. */
function bytesOf(json: string): number {
  if (!/\de[+-]\d/.test(json)) return json.length
  const exponents = json.replaceAll(/"(?:[^"\\]|\\.)*"/g, '').matchAll(/e[+-](\d+)/g)
  return Array.from(exponents, ([, digits]) => Number(digits)).reduce(
    (sum, digits) => sum + digits,
    json.length,
  )
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

/** Anything as text, also what cannot be made one: an object without a prototype, a symbol. */
function inWords(value: unknown): string {
  if (typeof value === 'string') return value
  try {
    return value instanceof Error ? String(value.message) : String(value)
  } catch {
    return `a value of type ${typeof value}`
  }
}

/** What somebody else has written must not begin a line of a log. */
function oneLine(text: string): string {
  return text.replaceAll(/\p{Cc}+/gu, ' ')
}

import { AsyncLocalStorage } from 'node:async_hooks'
import { randomUUID } from 'node:crypto'

/**
 * What travels from the request to the row. Plain data, because another copy of this package in the
 * same process may read and amend it.
 */
export interface StoredContext {
  /** The layout of this object. */
  readonly version: 1
  readonly id: string
  /** The id of the outermost context around it: the request, the job. */
  readonly rootId: string
  readonly parent: StoredContext | undefined
  /** What this block adds; a value may be a function that has not answered yet. */
  readonly own: Record<string, unknown>
  /** How often `own` was changed since the block began. */
  revision: number
}

// On globalThis, not in this module: an ESM and a CommonJS copy of this package, two versions of it,
// or the registry of a test runner would else have a store each, and the actor would be lost silently.
const key = Symbol.for('auditrum.context.1')
const shared = globalThis as { [key]?: AsyncLocalStorage<StoredContext | undefined> }
shared[key] ??= new AsyncLocalStorage<StoredContext | undefined>()
const storage = shared[key]

/** The context of the running code. */
export function storedContext(): StoredContext | undefined {
  return storage.getStore()
}

/** Runs a function, and what it starts, in a context taken elsewhere, or in none. */
export function runInContext<Result>(
  context: StoredContext | undefined,
  run: () => Result,
): Result {
  return storage.run(context, run)
}

/** A block inside `parent`. */
export function contextInside(
  parent: StoredContext | undefined,
  own: Readonly<Record<string, unknown>>,
): StoredContext {
  const id = randomUUID()
  return { version: 1, id, rootId: parent?.rootId ?? id, parent, own: valuesOf(own), revision: 0 }
}

/**
 * A copy of metadata. A getter that throws is kept as a function that throws when it is asked, as one
 * that the application wrote: it must not fail what the block is for.
 */
export function valuesOf(metadata: Readonly<Record<string, unknown>>): Record<string, unknown> {
  // without a prototype, or a key "__proto__" would be one
  const values: Record<string, unknown> = Object.create(null)
  for (const name of Object.keys(metadata)) {
    try {
      values[name] = metadata[name]
    } catch (error) {
      values[name] = () => {
        throw error
      }
    }
  }
  return values
}

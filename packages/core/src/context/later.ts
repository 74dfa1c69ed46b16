import { runInContext, type StoredContext } from './store.js'

// What a block returns and does its work later, outside of the block.

/** A generator runs in steps, each where it is asked for: every one of them belongs to the block. */
export function steppingIn<Result extends Generator | AsyncGenerator>(
  inside: StoredContext,
  generator: Result,
): Result {
  for (const name of ['next', 'return', 'throw'] as const) {
    const step = generator[name] as (...args: unknown[]) => unknown
    const value = (...args: unknown[]) => runInContext(inside, () => step.apply(generator, args))
    Object.defineProperty(generator, name, { value, configurable: true, writable: true })
  }
  return generator
}

export function isGenerator<Value>(value: Value): value is Value & (Generator | AsyncGenerator) {
  return /^\[object (Async)?Generator\]$/.test(Object.prototype.toString.call(value))
}

/**
 * A query of Knex, Drizzle or Prisma starts when it is awaited; one that the block returns is awaited
 * outside of it, and would lose the context without a word. So it starts inside, whoever awaits it;
 * what is chained to it runs where it was chained.
 */
export function startingIn<Result>(inside: StoredContext, result: Result): Result {
  const lazy: unknown = result
  if (!isThenable(lazy) || lazy instanceof Promise) return result
  const started = starts.get(lazy)
  // what an inner block returns, the block around it returns as well
  if (started && isIn(started.inside, inside)) return result
  const then = started?.then ?? lazy.then
  starts.set(lazy, { inside, then })
  const start = (...rest: unknown[]): Promise<unknown> =>
    runInContext(
      inside,
      () => new Promise((done, failed) => then.call(lazy, done, failed, ...rest)),
    )
  const methods: readonly (readonly [string, (...args: never[]) => unknown])[] = [
    // a third argument is Prisma's
    [
      'then',
      (done?: Settled, failed?: Settled, ...rest: unknown[]) => start(...rest).then(done, failed),
    ],
    ['catch', (failed?: Settled) => start().catch(failed)],
    ['finally', (done?: () => void) => start().finally(done)],
  ]
  for (const [name, value] of methods) {
    if (name in lazy) Reflect.defineProperty(lazy, name, { value, configurable: true })
  }
  return result
}

/** Queries that blocks have returned, with the last one and their own `then`. */
const starts = new WeakMap<
  object,
  { readonly inside: StoredContext; readonly then: Thenable['then'] }
>()

function isIn(context: StoredContext | undefined, outer: StoredContext): boolean {
  return context !== undefined && (context === outer || isIn(context.parent, outer))
}

type Settled = (value: unknown) => unknown

interface Thenable {
  then(done?: Settled, failed?: Settled, ...rest: unknown[]): unknown
}

function isThenable(value: unknown): value is Thenable {
  return (
    value !== null &&
    (typeof value === 'object' || typeof value === 'function') &&
    typeof (value as { then?: unknown }).then === 'function'
  )
}

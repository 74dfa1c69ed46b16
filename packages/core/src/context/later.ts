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
 *
 * @returns the query as this block returns it: the query itself may be awaited elsewhere as well.
 */
export function startingIn<Result>(inside: StoredContext, result: Result): Result {
  const lazy: unknown = result
  if (!isThenable(lazy) || lazy instanceof Promise) return result
  const start = (...rest: unknown[]): Promise<unknown> =>
    runInContext(inside, () => new Promise((done, failed) => lazy.then(done, failed, ...rest)))
  const own = new Map<PropertyKey, unknown>([
    // a third argument is Prisma's
    [
      'then',
      (done?: Settled, failed?: Settled, ...rest: unknown[]) => start(...rest).then(done, failed),
    ],
    ['catch', (failed?: Settled) => start().catch(failed)],
    ['finally', (done?: () => void) => start().finally(done)],
  ])
  const here = new Proxy(lazy, {
    get(target, name) {
      if (own.has(name) && name in target) return own.get(name)
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function' || name === 'constructor') return value
      // by the query itself, whose fields may be private; what returns it goes on here
      return (...args: unknown[]) => {
        const returned: unknown = value.apply(target, args)
        return returned === target ? here : returned
      }
    },
  })
  return here as Result
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

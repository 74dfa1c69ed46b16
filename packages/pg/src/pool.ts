import { AsyncResource } from 'node:async_hooks'
import { UsageError } from '@auditrum/core'
import { runInContext } from '@auditrum/core/adapter'
import type pg from 'pg'
import { wrapClient } from './client.js'
import type { Client } from './driver.js'
import type { CarryOptions } from './session.js'
import { restoreProperty } from './setting.js'

type Connected = (error: Error | undefined, client: unknown, release: unknown) => void

const wrapped = Symbol.for('auditrum.pg.1')

/**
 * Makes every statement of a pool's clients carry the context of the code that asks for it, clients
 * that are connected already included.
 *
 * @returns takes it off again; undefined where somebody else has put it on.
 */
export function wrapPool(pool: pg.Pool, options: CarryOptions): (() => void) | undefined {
  if (wrapped in pool) return undefined
  refuseNative(pool)
  const clients = new Map<object, () => void>()
  const wrap = (client: object) => {
    const unwrap = wrapClient(client as Client, options)
    if (unwrap) clients.set(client, unwrap)
  }
  const forget = (client: object) => clients.delete(client)

  // for those that are checked out at this moment; 'acquire' finds all others
  for (const client of (pool as unknown as { readonly _clients?: object[] })._clients ?? []) {
    wrap(client)
  }
  pool.on('acquire', wrap)
  pool.on('remove', forget)

  // A client is given to whoever waits for it by whoever releases it, in that one's context: the
  // callback has to bring its own, and that of whatever else the application keeps in asynchronous
  // storage. And what opens a socket must not give it a context, because all that comes from the socket
  // would have it.
  const before = Object.getOwnPropertyDescriptor(pool, 'connect')
  const original = (...args: unknown[]): unknown => {
    const { connect } = Object.getPrototypeOf(pool) as { readonly connect: unknown }
    return ((before?.value ?? connect) as (...args: unknown[]) => unknown).apply(pool, args)
  }
  let isClosed = false
  const connect = (callback?: Connected): unknown => {
    if (isClosed) return callback ? original(callback) : original()
    // AsyncResource.bind does the same, and takes five times as long
    const here = callback && new AsyncResource('AuditrumConnect')
    const bound =
      here && ((...args: Parameters<Connected>) => here.runInAsyncScope(callback, pool, ...args))
    return runInContext(undefined, () => (bound ? original(bound) : original()))
  }
  Object.defineProperty(pool, 'connect', { value: connect, configurable: true, writable: true })
  Object.defineProperty(pool, wrapped, { value: true, configurable: true })

  return () => {
    isClosed = true
    restoreProperty(pool, 'connect', connect, before)
    Reflect.deleteProperty(pool, wrapped)
    pool.off('acquire', wrap)
    pool.off('remove', forget)
    for (const unwrap of clients.values()) unwrap()
    clients.clear()
  }
}

function refuseNative(pool: pg.Pool): void {
  const { Client } = pool as unknown as { readonly Client?: { readonly prototype: object } }
  if (!Client || 'getStartupConf' in Client.prototype) return
  throw new UsageError(
    'This pool is one of pg-native, which lets nobody send a context along with a statement. Use the pool in JavaScript, pg.Pool.',
  )
}

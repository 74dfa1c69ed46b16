import type { EventEmitter } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { runInContext, type StoredContext, storedContext } from './store.js'

// From a request to its context and back. On the objects, as the store is on globalThis: two copies of
// this package in one process must agree on whose context it is.
const mark = Symbol.for('auditrum.request.1')

interface Marked<Value> {
  [mark]?: Value
}

/** Makes the present context the request's own. */
export function claimContext(req: IncomingMessage): void {
  const context = storedContext()
  for (const [target, value] of [
    [req, context],
    [context, req],
  ]) {
    Object.defineProperty(target, mark, { value, configurable: true })
  }
}

/** Whether the request has a context. */
export function hasContext(req: IncomingMessage): boolean {
  return contextOf(req) !== undefined
}

/**
 * The context to run a request's code in: the present one if it is the request's or a block inside,
 * else the request's own. Code gets lost where a connection is older than the request: a callback of a
 * session store that shares one for all requests runs in nobody's context, or in that of whoever came
 * first, and must not be his. What was opened around all requests stays around.
 */
export function contextFor(req: IncomingMessage): StoredContext | undefined {
  const present = storedContext()
  let around = present
  for (let at = present; at; at = at.parent) {
    const owner = (at as Marked<IncomingMessage>)[mark]
    if (owner === req) return present
    if (owner) around = at.parent
  }
  return contextOf(req) ?? around
}

/**
 * Runs the listeners of Node's request or response in the context of the request, whoever emits: what
 * comes from the socket (`data`, `end`, `close`, `finish`) comes in the context of the connection, which
 * is none, and a body parser or an upload would lose the request's.
 */
export function bindEvents(emitter: EventEmitter, req: IncomingMessage): void {
  const { emit } = emitter
  const value = function (this: EventEmitter, ...args: Parameters<EventEmitter['emit']>): boolean {
    return runInContext(contextFor(req), () => emit.apply(this, args))
  }
  Object.defineProperty(emitter, 'emit', { value, configurable: true, writable: true })
}

function contextOf(req: IncomingMessage): StoredContext | undefined {
  return (req as Marked<StoredContext>)[mark]
}

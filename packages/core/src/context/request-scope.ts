import type { EventEmitter } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { runInContext, type StoredContext, storedContext } from './store.js'

// From a request to its context and back. On the objects, as the store is on globalThis: two copies of
// this package in one process must agree on whose context it is.
const mark = Symbol.for('auditrum.request.1')

/** What a request has; its context has the token. */
interface Claim {
  readonly token: object
  readonly context: StoredContext
}

/**
 * Makes the present context the request's own. A context may outlive its request, in what waits or is
 * cached; so it knows the request's claim, not the request.
 */
export function claimContext(req: IncomingMessage): void {
  const context = storedContext()
  if (!context) return
  const token = {}
  Object.defineProperty(context, mark, { value: token, configurable: true })
  Object.defineProperty(req, mark, { value: { token, context }, configurable: true })
}

/** Whether the request has a context. */
export function hasContext(req: IncomingMessage): boolean {
  return claimOf(req) !== undefined
}

/**
 * The context to run a request's code in: the present one if it is the request's or a block inside,
 * else the request's own. Code gets lost where a connection is older than the request: a callback of a
 * session store that shares one for all requests runs in nobody's context, or in that of whoever came
 * first, and must not be his. What was opened around all requests stays around.
 */
export function contextFor(req: IncomingMessage): StoredContext | undefined {
  const claim = claimOf(req)
  const present = storedContext()
  let around = present
  for (let at = present; at; at = at.parent) {
    const token = (at as { [mark]?: object })[mark]
    if (token && token === claim?.token) return present
    if (token) around = at.parent
  }
  return claim?.context ?? around
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

function claimOf(req: IncomingMessage): Claim | undefined {
  return (req as { [mark]?: Claim })[mark]
}

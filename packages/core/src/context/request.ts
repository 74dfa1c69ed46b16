import { createHmac, randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { types } from 'node:util'
import { isPlainObject, show } from '../options.js'
import { type ContextMetadata, withContext } from './context.js'
import {
  checkRequestOptions,
  type RequestOptions,
  type RequestUser,
  type Unknown,
} from './request-options.js'
import { bindEvents, claimContext, contextFor, hasContext } from './request-scope.js'
import { runInContext } from './store.js'

/** A request as its framework knows it. */
export interface RequestFacts {
  /** Node's own. */
  readonly req: IncomingMessage
  /** Node's own. */
  readonly res: ServerResponse
  /** As it came in, whatever a router has made of it. */
  readonly url: string
  ip(): string | undefined
  sessionId(): unknown
  /** The id that somebody has given it already: a logger, say. */
  readonly id: unknown
  /** Makes the id known to handlers. */
  setId(id: string): void
}

/** Runs a request in its context. `Request` is what the functions among the options are asked with. */
export type RequestContext<Request> = <Result>(
  request: Request,
  facts: RequestFacts,
  next: () => Result,
) => Result

const SANE_ID = /^[\x21-\x7e]{1,200}$/
const LONGEST_TEXT = 2_000

/**
 * What the middlewares of all frameworks share: from a request to a context.
 *
 * @throws UsageError for an option that is unknown or of the wrong kind.
 */
export function requestContext<Request>(
  options: RequestOptions<Request> = {},
): RequestContext<Request> {
  checkRequestOptions(options)
  const methods = options.methods?.map((method) => method.toUpperCase())
  const seen = new WeakSet<IncomingMessage>()

  return (request, facts, next) => {
    const { req, res } = facts
    const isMeant = !methods || methods.includes(req.method ?? '')
    return runInContext(contextFor(req), () => {
      if (!isMeant || seen.has(req)) return next() // seen: mounted on the application and on a router
      seen.add(req)
      const isFirst = !hasContext(req)
      const opening = isFirst ? standing(request, facts, options) : {}
      return withContext({ ...opening, ...asked(request, facts, options) }, () => {
        claimContext(req)
        if (isFirst) for (const emitter of [req, res]) bindEvents(emitter, req)
        return next()
      })
    })
  }
}

/** What stands when a request comes in. */
function standing<Request>(
  request: Request,
  facts: RequestFacts,
  { requestId, trustRequestId = true, ip = true, userAgent = true }: RequestOptions<Request>,
): ContextMetadata {
  const { method, headers } = facts.req
  const header = trustRequestId && !requestId ? headers['x-request-id'] : undefined
  return {
    source: 'web',
    ...identify(facts, () => requestId?.(request), header),
    method,
    // a query may hold secrets
    url: facts.url.replace(/\?.*/s, '').slice(0, LONGEST_TEXT),
    client_ip: ip ? facts.ip() : undefined,
    user_agent: userAgent ? headers['user-agent']?.slice(0, LONGEST_TEXT) : undefined,
  }
}

/** One request has one id: what somebody has logged already is overruled by the option alone. */
function identify(facts: RequestFacts, option: () => unknown, header: unknown): ContextMetadata {
  const { value, failure } = answer('requestId', option)
  const id = sane(value) ?? sane(facts.id) ?? sane(header) ?? randomUUID()
  facts.setId(id)
  if (!facts.res.headersSent) facts.res.setHeader('x-request-id', id)
  return { request_id: id, ...failure }
}

function sane(id: unknown): string | undefined {
  const text = typeof id === 'number' ? String(id) : id
  return typeof text === 'string' && SANE_ID.test(text) ? text : undefined
}

/** What the application tells of a request, now or at its writes. */
function asked<Request>(
  request: Request,
  facts: RequestFacts,
  { user, session, metadata }: RequestOptions<Request>,
): ContextMetadata {
  return {
    ...(session && { session_key: () => sessionKey(facts.sessionId(), session.secret) }),
    ...(user && actor(() => user(request))),
    ...more(() => (typeof metadata === 'function' ? metadata(request) : metadata)),
  }
}

function sessionKey(id: unknown, secret: string): string | undefined {
  if (typeof id !== 'string' || id === '') return undefined
  return createHmac('sha256', secret).update(id).digest('hex')
}

/** Two values of one question: it is asked once, and its failure said once. */
function actor(user: () => RequestUser | Unknown): ContextMetadata {
  let known: RequestUser | Unknown
  return {
    user_id: () => {
      known = undefined
      known = atOnce(user())
      const id = isObject(known) ? known.id : known
      if (typeof id === 'number') return id
      return id === null || id === undefined || typeof id === 'boolean' || id === ''
        ? undefined
        : String(id)
    },
    username: () => {
      const name = isObject(known) ? (known.username ?? known.email) : undefined
      return name === null || name === undefined ? undefined : String(name)
    },
  }
}

function more(metadata: () => unknown): ContextMetadata {
  const { value, failure } = answer('metadata', () => {
    const given = metadata() ?? {}
    if (isPlainObject(given)) return given
    throw new TypeError(`the function returned ${show(given)}; it must return an object`)
  })
  return { ...(value as ContextMetadata | undefined), ...failure }
}

/**
 * What an option's function answers. Where it fails, a value that does so again when the context is
 * sent: the request goes on, the log and `onError` hear of it.
 */
function answer(
  option: string,
  ask: () => unknown,
): { readonly value?: unknown; readonly failure?: ContextMetadata } {
  try {
    return { value: atOnce(ask()) }
  } catch (error) {
    const fail = () => {
      throw error
    }
    return { failure: { [option]: fail } }
  }
}

function atOnce<Value>(value: Value): Value {
  if (!isObject(value) || typeof (value as { then?: unknown }).then !== 'function') return value
  if (types.isPromise(value)) value.catch(() => undefined)
  throw new TypeError('the function returned a promise; it must know the value at once')
}

function isObject<Value>(value: Value): value is Value & object {
  return typeof value === 'object' && value !== null
}

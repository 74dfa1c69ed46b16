import { createHmac, randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { types } from 'node:util'
import { isPlainObject, show } from '../options.js'
import { type ContextMetadata, withContext } from './context.js'
import { askedAgain } from './metadata.js'
import {
  checkRequestOptions,
  type RequestOptions,
  type RequestUser,
  type Unknown,
} from './request-options.js'
import { bindEvents, claimContext, contextFor, hasContext } from './request-scope.js'
import { runInContext, storedContext } from './store.js'

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
      if (seen.has(req)) return next() // mounted on the application and on a router
      // what such a request adds to its context must not be added to one around all requests
      if (!isMeant) return storedContext() ? withContext({}, next) : next()
      seen.add(req)
      const isFirst = !hasContext(req)
      const opening = isFirst ? standing(request, facts, options) : {}
      return withContext({ ...opening, ...asked(request, facts, options, isFirst) }, () => {
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
    url: pathOf(facts.url),
    ...(ip && answered('client_ip', () => facts.ip()?.slice(0, LONGEST_TEXT))),
    user_agent: userAgent ? headers['user-agent']?.slice(0, LONGEST_TEXT) : undefined,
  }
}

/** One request has one id: what somebody has logged already is overruled by the option alone. */
function identify(facts: RequestFacts, option: () => unknown, header: unknown): ContextMetadata {
  const { value, failure } = answer('option requestId', option)
  const id = sane(value) ?? sane(facts.id) ?? sane(header) ?? randomUUID()
  const { failure: untold } = answer('option requestId', () => {
    if (!facts.res.headersSent) facts.res.setHeader('x-request-id', id)
    facts.setId(id)
  })
  return { request_id: id, ...untold, ...failure }
}

/** The path alone: an authority may hold a password, a query or a parameter of the path a secret. */
function pathOf(url: string): string {
  const path = url.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '').replace(/[?#].*/s, '')
  return path.replaceAll(/;jsessionid=[^/;]*/gi, '').slice(0, LONGEST_TEXT)
}

function sane(id: unknown): string | undefined {
  const text = typeof id === 'number' ? String(id) : id
  return typeof text === 'string' && SANE_ID.test(text) ? text : undefined
}

/** What the application tells of a request, now or at its writes. */
function asked<Request>(
  request: Request,
  facts: RequestFacts,
  options: RequestOptions<Request>,
  isFirst: boolean,
): ContextMetadata {
  const { metadata } = options
  return {
    ...askedLater({ request, facts }, options, isFirst),
    ...more(() => (typeof metadata === 'function' ? metadata(request) : metadata)),
  }
}

interface Holder<Request> {
  readonly request: Request
  readonly facts: RequestFacts
}

/** What is known of a request when it is asked for; once it is answered, also when it is over. */
function askedLater<Request>(
  holder: Holder<Request>,
  { user, session }: RequestOptions<Request>,
  isFirst: boolean,
): ContextMetadata {
  return {
    ...(session && {
      session_key: lasting(holder, ({ facts }) => sessionKey(facts.sessionId(), session.secret)),
    }),
    ...(user &&
      actor(
        lasting(holder, ({ request }) => user(request)),
        isFirst,
      )),
  }
}

/**
 * A question about a request that does not keep it: a context may outlive its request, in what waits or is
 * cached. When the request is over it is asked a last time; if that answers, the answer is enough.
 */
function lasting<Request, Answer>(
  holder: Holder<Request>,
  question: (holder: Holder<Request>) => Answer,
): () => Answer {
  let there: Holder<Request> | undefined = holder
  let last: Answer
  holder.facts.res.once('close', () => {
    try {
      if (there) last = atOnce(question(there))
      if (last) there = undefined
    } catch {
      // it is asked again by whoever writes, and told there
    }
  })
  return () => (there ? question(there) : last)
}

function sessionKey(id: unknown, secret: string): string | undefined {
  if (typeof id !== 'string' || id === '') return undefined
  return createHmac('sha256', secret).update(id).digest('hex')
}

/**
 * Two values of one question: it is asked once, and its failure said once. It is asked again in each
 * transaction, because somebody can log in as another one; who logs out stays.
 *
 * @param isFirst whether no other middleware has named a user before, whose name would show through.
 */
function actor(user: () => RequestUser | Unknown, isFirst: boolean): ContextMetadata {
  let known: RequestUser | Unknown
  let hasName = !isFirst
  return {
    user_id: askedAgain(() => {
      known = undefined
      known = atOnce(user())
      return idOf(isObject(known) ? known.id : known)
    }),
    username: askedAgain(() => {
      const name = isObject(known) ? (known.username ?? known.email) : undefined
      const isNamed = name !== null && name !== undefined
      // who has none must not have the name of another one
      const isOther = hasName && idOf(isObject(known) ? known.id : known) !== undefined
      hasName ||= isNamed
      return isNamed ? String(name) : isOther ? '' : undefined
    }),
  }
}

function idOf(id: unknown): string | number | undefined {
  atOnce(id)
  if (id === null || id === undefined || id === false || id === '') return undefined
  if (typeof id === 'number' || typeof id === 'string') return id
  // an id of MongoDB, say, which knows itself as text
  const isText =
    typeof id === 'bigint' || (isObject(id) && id.toString !== Object.prototype.toString)
  if (isText && !Array.isArray(id)) return String(id)
  throw new TypeError(`a value of type ${typeof id} names no user; give the id`)
}

function more(metadata: () => unknown): ContextMetadata {
  const { value, failure } = answer('metadata', () => {
    const given = atOnce(metadata() ?? {})
    if (isPlainObject(given)) return { ...given } // here, where a getter may throw
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

function answered(name: string, ask: () => unknown): ContextMetadata {
  const { value, failure } = answer(name, ask)
  return failure ?? { [name]: value }
}

function atOnce<Value>(value: Value): Value {
  if (!isObject(value) || typeof (value as { then?: unknown }).then !== 'function') return value
  if (types.isPromise(value)) value.catch(() => undefined)
  throw new TypeError('the function returned a promise; it must know the value at once')
}

function isObject<Value>(value: Value): value is Value & object {
  return typeof value === 'object' && value !== null
}

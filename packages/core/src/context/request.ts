import { createHmac, randomUUID } from 'node:crypto'
import type { EventEmitter } from 'node:events'
import { UsageError } from '../errors.js'
import { checkFlag, checkOptions, show } from '../options.js'
import { type ContextMetadata, withContext } from './context.js'
import { runInContext, storedContext } from './store.js'

/** Who makes a request: an id, or an object whose `id` and `username` or `email` are taken. */
export type RequestUser =
  | string
  | number
  | bigint
  | {
      readonly id?: unknown
      readonly username?: unknown
      readonly email?: unknown
    }

/** Nobody yet: it is asked again. */
type Unknown = null | undefined | false | ''

/** What the middlewares may be told; `Request` is what the framework hands to a handler. */
export interface RequestOptions<Request> {
  /**
   * Who makes the request. Asked at the first write of each transaction until it answers: it may
   * stand in front of the authentication. What it throws is recorded as `context_error`.
   */
  readonly user?: ((request: Request) => RequestUser | Unknown) | undefined
  /**
   * The id of the request, in place of the header `x-request-id`.
   *
   * @defaultValue the header if it is trusted and sane (printable, at most 200 characters), else a new UUID
   */
  readonly requestId?: ((request: Request) => string | undefined) | undefined
  /**
   * Whether to take `x-request-id` from the request. It is chosen by whoever sends it, unless a proxy
   * in front of the application sets it.
   *
   * @defaultValue `true`
   */
  readonly trustRequestId?: boolean | undefined
  /** More metadata, or less: a value of undefined leaves one of the others out. */
  readonly metadata?: ContextMetadata | ((request: Request) => ContextMetadata) | undefined
  /**
   * The HTTP methods whose requests have a context.
   *
   * @defaultValue all: a GET can write, and a HEAD runs its handler
   */
  readonly methods?: readonly string[] | undefined
  /**
   * Whether to record the client's address, as the framework tells it: behind a proxy that takes
   * Express's `trust proxy` or Koa's `app.proxy`.
   *
   * @defaultValue `true`
   */
  readonly ip?: boolean | undefined
  /** @defaultValue `true` */
  readonly userAgent?: boolean | undefined
  /**
   * Records an HMAC-SHA256 of the session's id with this secret: two events of one session can be
   * told to be, and nobody who reads the log can take the session over.
   *
   * @defaultValue `false`
   */
  readonly session?: { readonly secret: string } | false | undefined
}

/** How a framework tells what is asked of a request. */
export interface RequestFacts<Request> {
  method(request: Request): string
  /** Its path; a query may hold secrets. */
  path(request: Request): string
  header(request: Request, name: string): string | undefined
  ip(request: Request): string | undefined
  sessionId(request: Request): unknown
  /** Makes the id known to handlers and to the client. */
  setRequestId(request: Request, id: string): void
  /** Node's request and response, whose events come from a socket that is older than the request. */
  emitters(request: Request): readonly EventEmitter[]
}

/** Opens a context for a request. */
export type RequestContext<Request> = <Result>(request: Request, next: () => Result) => Result

const requestOptions = [
  'user',
  'requestId',
  'trustRequestId',
  'metadata',
  'methods',
  'ip',
  'userAgent',
  'session',
] satisfies (keyof RequestOptions<unknown>)[]
const SANE_ID = /^[\x21-\x7e]{1,200}$/
const LONGEST_TEXT = 2_000

/**
 * What the middlewares of all frameworks share: from a request to a context.
 *
 * @throws UsageError for an option that is unknown or of the wrong kind.
 */
export function requestContext<Request extends object>(
  facts: RequestFacts<Request>,
  options: RequestOptions<Request> = {},
): RequestContext<Request> {
  check(options)
  const { requestId, trustRequestId = true, metadata = {}, ip = true, userAgent = true } = options
  const methods = options.methods?.map((method) => method.toUpperCase())

  const idOf = (request: Request): string => {
    const given = requestId
      ? requestId(request)
      : trustRequestId && facts.header(request, 'x-request-id')
    const id = typeof given === 'string' && SANE_ID.test(given) ? given : randomUUID()
    facts.setRequestId(request, id)
    return id
  }

  return (request, next) => {
    const method = facts.method(request)
    if (methods && !methods.includes(method)) return next()
    return withContext(
      {
        source: 'web',
        ...answered('request_id', () => ({ request_id: idOf(request) })),
        method,
        url: facts.path(request).slice(0, LONGEST_TEXT),
        client_ip: ip ? facts.ip(request) : undefined,
        user_agent: userAgent
          ? facts.header(request, 'user-agent')?.slice(0, LONGEST_TEXT)
          : undefined,
        ...sessionKey(() => facts.sessionId(request), options.session),
        ...actor(options.user && (() => options.user?.(request))),
        ...answered('metadata', () =>
          typeof metadata === 'function' ? metadata(request) : metadata,
        ),
      },
      () => {
        for (const emitter of facts.emitters(request)) bindEvents(emitter)
        return next()
      },
    )
  }
}

/** What an option's function answers; where it throws, a value that does so when the context is sent. */
function answered(name: string, ask: () => ContextMetadata): ContextMetadata {
  try {
    return ask()
  } catch (error) {
    const fail = () => {
      throw error
    }
    return { [name]: fail }
  }
}

/** Two values of one question: it is asked once, and its failure said once. */
function actor(user: (() => RequestUser | Unknown) | undefined): ContextMetadata {
  if (!user) return {}
  let known: RequestUser | Unknown
  return {
    user_id: () => {
      known = user()
      if (known instanceof Promise) return known as never // refused as every promise is
      const id = known !== null && typeof known === 'object' ? known.id : known
      if (typeof id === 'number') return id
      return id === null || id === undefined || typeof id === 'boolean' || id === ''
        ? undefined
        : String(id)
    },
    username: () => {
      if (known === null || typeof known !== 'object') return undefined
      const name = known.username ?? known.email
      return name === null || name === undefined ? undefined : String(name)
    },
  }
}

function sessionKey(
  sessionId: () => unknown,
  session: { readonly secret: string } | false | undefined,
): ContextMetadata {
  if (!session) return {}
  return {
    session_key: () => {
      const id = sessionId()
      if (typeof id !== 'string' || id === '') return undefined
      return createHmac('sha256', session.secret).update(id).digest('hex')
    },
  }
}

/**
 * Runs the listeners of an emitter in the present context, whoever emits: what a socket emits (`data`,
 * `end`, `close`) runs in the context of the connection, which has none, and a body parser or an
 * upload would lose the request's.
 */
function bindEvents(emitter: EventEmitter): void {
  const context = storedContext()
  const { emit } = emitter
  emitter.emit = function (this: EventEmitter, ...args: Parameters<EventEmitter['emit']>): boolean {
    const isOfRequest = storedContext()?.rootId === context?.rootId
    return isOfRequest
      ? emit.apply(this, args)
      : runInContext(context, () => emit.apply(this, args))
  }
}

function check(options: RequestOptions<never>): void {
  checkOptions('auditContext', options, requestOptions)
  const { user, requestId, trustRequestId, metadata, methods, ip, userAgent, session } = options
  for (const [name, value] of Object.entries({ trustRequestId, ip, userAgent })) {
    checkFlag('auditContext', name, value)
  }
  for (const [name, value] of Object.entries({ user, requestId })) {
    if (value === undefined || typeof value === 'function') continue
    refuse(name, value, 'Give a function of the request')
  }
  const isMetadata =
    metadata === undefined ||
    typeof metadata === 'function' ||
    (typeof metadata === 'object' && metadata !== null && !Array.isArray(metadata))
  if (!isMetadata) refuse('metadata', metadata, 'Give an object, or a function that returns one')
  const isMethods =
    methods === undefined ||
    (Array.isArray(methods) && methods.every((method) => typeof method === 'string'))
  if (!isMethods) refuse('methods', methods, "Give a list such as ['POST', 'PUT']")
  const hasSecret =
    typeof session === 'object' && typeof session?.secret === 'string' && session.secret !== ''
  if (session !== undefined && session !== false && !hasSecret) {
    // the value is not shown: it may be the secret
    throw new UsageError(
      'auditContext: the option session has no secret. Give { secret }, a text that only the application knows, or false.',
    )
  }
}

function refuse(name: string, value: unknown, remedy: string): never {
  throw new UsageError(`auditContext: the option ${name} is ${show(value)}. ${remedy}.`)
}

import { UsageError } from '../errors.js'
import { checkFlag, checkOptions, show } from '../options.js'
import type { ContextMetadata } from './context.js'

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
export type Unknown = null | undefined | false | ''

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
  /**
   * More metadata, or less: a value of undefined leaves one of the others out. A function is called when
   * the request comes in; what is known later is a value that is a function.
   */
  readonly metadata?:
    | ContextMetadata
    | ((request: Request) => ContextMetadata | null | undefined)
    | undefined
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

/** @throws UsageError for an option that is unknown or of the wrong kind. */
export function checkRequestOptions(options: RequestOptions<never>): void {
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

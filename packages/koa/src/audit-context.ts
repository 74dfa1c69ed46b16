import { type RequestOptions, requestContext } from '@auditrum/core'
import type { Context, Middleware } from 'koa'

declare module 'koa' {
  interface DefaultState {
    /** The id of this request, as it stands in the log and in the response's `x-request-id`. */
    requestId: string
  }
}

/** What {@link auditContext} may be told. */
export type KoaContextOptions = RequestOptions<Context>

/** As koa-session and its relatives keep it. */
interface WithSession {
  readonly sessionId?: unknown
  readonly session?: { readonly externalKey?: unknown } | null
}

/**
 * Opens a context for each request: everything that it writes carries who, from where and by which
 * request. Put it in front of everything else, sessions and authentication included: the user is
 * asked for when something is written.
 *
 * @throws UsageError for an option that is unknown or of the wrong kind.
 * @example
 * ```ts
 * app.use(auditContext({ user: (ctx) => ctx.state.user }))
 * ```
 */
export function auditContext(options: KoaContextOptions = {}): Middleware {
  const inContext = requestContext<Context>(
    {
      method: (ctx) => ctx.method,
      path: (ctx) => ctx.originalUrl.replace(/\?.*/s, ''),
      header: (ctx, name) => ctx.get(name) || undefined,
      ip: (ctx) => ctx.ip,
      sessionId(ctx) {
        const { sessionId, session } = ctx as WithSession
        return sessionId ?? session?.externalKey
      },
      setRequestId(ctx, id) {
        ctx.state.requestId = id
        ctx.set('x-request-id', id)
      },
      emitters: (ctx) => [ctx.req, ctx.res],
    },
    options,
  )
  return (ctx, next) => inContext(ctx, next)
}

import type { RequestOptions } from '@auditrum/core'
import { requestContext, runInContext, storedContext } from '@auditrum/core/adapter'
import type { Context, Middleware } from 'koa'

declare module 'koa' {
  interface DefaultState {
    /** The id of this request, as it stands in the log and in the response's `x-request-id`. */
    requestId: string
  }
}

/** With an id where loggers such as pino-http look for one, or have put theirs. */
type NodeRequest = Context['req'] & { id?: unknown }

/** What {@link auditContext} may be told. */
export type KoaContextOptions = RequestOptions<Context>

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
  const inContext = requestContext(options)
  return (ctx, next) => {
    const req: NodeRequest = ctx.req
    const facts = {
      req,
      res: ctx.res,
      url: ctx.originalUrl,
      ip: () => ctx.ip || undefined,
      sessionId: () => sessionId(ctx),
      id: ctx.state?.requestId ?? req.id,
      setId(id: string) {
        ctx.state.requestId = id
        req.id = id
      },
    }
    return inContext(ctx, facts, async () => {
      keepForErrors(ctx)
      const value: unknown = await next()
      keepForBody(ctx)
      return value
    })
  }
}

/** Koa tells of errors behind all middlewares, where no context is left, and without its headers. */
function keepForErrors(ctx: Context): void {
  const context = storedContext()
  const { onerror, res } = ctx
  const id = res.getHeader('x-request-id')
  ctx.onerror = (error) => {
    const { end } = res
    res.end = ((...args: Parameters<typeof end>) => {
      res.end = end
      if (id !== undefined && !res.headersSent) res.setHeader('x-request-id', id)
      return end.apply(res, args)
    }) as typeof end
    runInContext(context, () => onerror.call(ctx, error))
  }
}

/** It sends the body from there, too: a stream is read, and writes as it is, in the request's. */
function keepForBody({ body }: { readonly body?: unknown }): void {
  if (typeof (body as { pipe?: unknown } | null)?.pipe !== 'function') return
  const context = storedContext()
  const stream = body as NodeJS.ReadableStream
  const { pipe } = stream
  const value: unknown = (...args: Parameters<typeof pipe>) =>
    runInContext(context, () => pipe.apply(stream, args))
  Reflect.defineProperty(stream, 'pipe', { value, configurable: true, writable: true })
}

/** As koa-session and its relatives keep it. A session is made by looking at it: an empty one is none yet. */
function sessionId({ sessionId, session }: Context): unknown {
  return sessionId ?? (session?.isNew && !session.populated ? undefined : session?.externalKey)
}

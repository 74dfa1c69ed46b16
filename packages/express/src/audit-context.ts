import type { RequestOptions } from '@auditrum/core'
import { requestContext } from '@auditrum/core/adapter'
import type { Request, RequestHandler } from 'express'

declare global {
  namespace Express {
    interface Request {
      /** The id of this request, as it stands in the log and in the response's `x-request-id`. */
      id: string
    }
  }
}

/** What {@link auditContext} may be told. */
export type ExpressContextOptions = RequestOptions<Request>

/**
 * Opens a context for each request: everything that it writes carries who, from where and by which
 * request. Put it in front of everything else, sessions and authentication included: the user is
 * asked for when something is written.
 *
 * @throws UsageError for an option that is unknown or of the wrong kind.
 * @example
 * ```ts
 * app.use(auditContext({ user: (req) => req.user }))
 * ```
 */
export function auditContext(options: ExpressContextOptions = {}): RequestHandler {
  const inContext = requestContext(options)
  return (req, res, next) => {
    const facts = {
      req,
      res,
      url: req.originalUrl,
      ip: () => req.ip,
      sessionId: () => (req as { readonly sessionID?: unknown }).sessionID,
      id: req.id,
      setId(id: string) {
        req.id = id
      },
    }
    inContext(req, facts, next)
  }
}

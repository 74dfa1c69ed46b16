import type { RequestOptions } from '@auditrum/core'
import { requestContext } from '@auditrum/core/adapter'
import type { FastifyInstance, FastifyRequest } from 'fastify'

/**
 * Opens a context for each request of a Fastify.
 *
 * @example
 * ```ts
 * auditContext(app, { user: (request) => request.user })
 * ```
 */
export function auditContext(
  app: FastifyInstance,
  options: RequestOptions<FastifyRequest> = {},
): void {
  const inContext = requestContext(options)
  app.addHook('onRequest', (request, reply, next) => {
    const facts = {
      req: request.raw,
      res: reply.raw,
      url: request.originalUrl,
      ip: () => request.ip,
      sessionId: () => (request as { session?: { sessionId?: unknown } }).session?.sessionId,
      id: undefined, // Fastify's own counts from 1 in every process
      setId(id: string) {
        request.id = id
      },
    }
    inContext(request, facts, next)
  })
}

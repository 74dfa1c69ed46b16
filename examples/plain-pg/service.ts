import { createServer, type IncomingMessage, type Server } from 'node:http'
import { json } from 'node:stream/consumers'
import { amendContext, auditrum, track, withChangeReason, withContext } from '@auditrum/pg'
import type pg from 'pg'

const tokens: Record<string, string> = { 'token-of-anna': 'anna', 'token-of-ben': 'ben' }

/** A service for orders. Nothing in its handlers knows that it is audited. */
export async function orderService(pool: pg.Pool): Promise<Server> {
  await pool.query(
    `create table if not exists orders (
      id integer generated always as identity primary key, item text not null, status text not null default 'new'
    )`,
  )
  const audit = auditrum(pool, { tables: [track('orders')] })
  await audit.sync()

  return createServer((request, response) =>
    // the one line that a request needs: who and from where, for everything that it does
    withContext({ source: 'web', method: request.method, url: request.url }, async () => {
      try {
        const answer = await handle(request)
        response.writeHead(answer === undefined ? 404 : 200, { 'content-type': 'application/json' })
        response.end(JSON.stringify(answer ?? { error: 'not found' }))
      } catch (error) {
        response.writeHead(error instanceof SyntaxError ? 400 : 500).end()
      }
    }),
  )

  async function handle(request: IncomingMessage): Promise<unknown> {
    const user = tokens[request.headers.authorization?.replace('Bearer ', '') ?? '']
    if (user) amendContext({ user_id: user })
    const [, collection, id, view] = (request.url ?? '').split('/')
    if (collection !== 'orders') return undefined
    if (request.method === 'POST') return create(await json(request))
    if (request.method === 'PATCH') return change(Number(id), await json(request))
    if (view === 'history') return (await audit.page({ table: 'orders', id: Number(id) })).events
    if (view === 'blame') return audit.blame('orders', Number(id))
    return (await pool.query('select * from orders where id = $1', [id])).rows[0]
  }

  async function create(body: unknown) {
    const { item } = body as { item: string }
    const { rows } = await pool.query('insert into orders (item) values ($1) returning *', [item])
    return rows[0]
  }

  async function change(id: number, body: unknown) {
    const { status, reason } = body as { status: string; reason?: string }
    return withChangeReason(reason, async () => {
      const client = await pool.connect()
      try {
        await client.query('begin')
        await client.query('select from orders where id = $1 for update', [id])
        const text = 'update orders set status = $1 where id = $2 returning *'
        const { rows } = await client.query(text, [status, id])
        await client.query('commit')
        return rows[0]
      } catch (error) {
        await client.query('rollback')
        throw error
      } finally {
        client.release()
      }
    })
  }
}

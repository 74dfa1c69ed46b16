import { type Queryable, UsageError } from '@auditrum/core'
import { runInContext } from '@auditrum/core/adapter'
import {
  borrowedRows,
  type CarryOptions,
  type Client,
  type CursorClient,
  isPool,
  rowsByCursor,
  wrapClient,
  wrapPool,
} from '@auditrum/pg/adapter'
import type { Knex } from 'knex'

type Connection = CursorClient & Client

interface TarnPool {
  readonly max: number
  readonly used: readonly { readonly resource: Client }[]
  on?(event: 'acquireSuccess', listener: (id: unknown, connection: Client) => void): void
  removeListener?(event: 'acquireSuccess', listener: unknown): void
}

/** The parts of Knex's own client that its types leave out, as they are since 3.0. */
interface KnexClient {
  readonly dialect: string
  readonly driverName?: string
  readonly config: { readonly connectionPool?: object }
  /** Tarn's pool; none where a transaction has its one connection. */
  readonly pool?: TarnPool | undefined
  acquireConnection(...args: unknown[]): Promise<Connection>
  releaseConnection(connection: Connection): Promise<void>
}

/**
 * Makes every connection of Knex's pool carry the context, those that are connected already included.
 *
 * @returns takes it off again.
 */
export function wrapConnections(knex: Knex, carrying: CarryOptions): (() => void) | undefined {
  const client = clientOf(knex)
  const { connectionPool } = client.config
  // others may use that pool, too
  if (connectionPool && isPool(connectionPool)) return wrapPool(connectionPool, carrying)
  const wrapped = new Map<Client, () => void>()
  let isClosed = false
  const wrap = (connection: Client) => {
    const unwrap = isClosed ? undefined : wrapClient(connection, carrying)
    if (!unwrap) return
    wrapped.set(connection, unwrap)
    connection.once('end', () => wrapped.delete(connection))
  }
  // those that are in use at this moment; all others are acquired again
  for (const { resource } of client.pool?.used ?? []) wrap(resource)
  // by whichever copy of this Knex: withUserParams makes some, which share the pool
  const acquired = (_: unknown, connection: Client) => wrap(connection)
  const { pool } = client
  pool?.on?.('acquireSuccess', acquired)
  const { acquireConnection } = client
  const before = Object.getOwnPropertyDescriptor(client, 'acquireConnection')
  const acquire: KnexClient['acquireConnection'] = async function (this: KnexClient, ...args) {
    if (isClosed) return acquireConnection.apply(this, args)
    // what comes from a socket has the context of whoever opened it, so that must be none
    const connection = await runInContext(undefined, () => acquireConnection.apply(this, args))
    wrap(connection)
    return connection
  }
  client.acquireConnection = acquire
  return () => {
    isClosed = true
    pool?.removeListener?.('acquireSuccess', acquired)
    // unless somebody has put something on top; and a transaction has one of its own
    if (client.acquireConnection === acquire) {
      if (before) Object.defineProperty(client, 'acquireConnection', before)
      else Reflect.deleteProperty(client, 'acquireConnection')
    }
    for (const unwrap of wrapped.values()) unwrap()
    wrapped.clear()
  }
}

/** Runs SQL on a connection of Knex's: of its pool, or of a transaction. */
export function queryableOf(knex: Knex): Queryable {
  const client = clientOf(knex)
  const lender = {
    pool: client,
    most: mostConnections(client),
    acquire: () => client.acquireConnection(),
    release: (connection: Connection) => client.releaseConnection(connection),
  }
  return {
    // not by knex.raw, which takes every question mark for a binding
    async query(text, values) {
      const connection = await lender.acquire()
      try {
        return await connection.query(text, values)
      } finally {
        await lender.release(connection)
      }
    },
    stream(text, values) {
      if (knex.isTransaction) return rowsOfTransaction(client, text, values)
      return borrowedRows(lender, text, values)
    },
  }
}

async function* rowsOfTransaction(client: KnexClient, text: string, values?: unknown[]) {
  yield* rowsByCursor(await client.acquireConnection(), text, values)
}

function mostConnections({ pool, config: { connectionPool } }: KnexClient): number {
  if (connectionPool) return isPool(connectionPool) ? connectionPool.options.max : 1
  return pool?.max ?? 1
}

function clientOf(knex: Knex): KnexClient {
  const client = (knex as { readonly client?: KnexClient } | null | undefined)?.client
  if (typeof client?.acquireConnection !== 'function') {
    throw new UsageError(
      `auditrum was given ${knex === null ? 'null' : `a value of type ${typeof knex}`}, not Knex. Give what knex({ client: 'pg', … }) returns.`,
    )
  }
  if (client.dialect !== 'postgresql' || client.driverName === 'pgnative') {
    throw new UsageError(
      `This Knex has the client ${client.driverName ?? client.dialect}, whose statements cannot carry a context. Use { client: 'pg' }.`,
    )
  }
  return client
}

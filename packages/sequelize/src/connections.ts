import { type Queryable, UsageError } from '@auditrum/core'
import { runInContext } from '@auditrum/core/adapter'
import {
  borrowedRows,
  type CarryOptions,
  type Client,
  type CursorClient,
  rowsInTransaction,
  wrapClient,
} from '@auditrum/pg/adapter'
import type { QueryInterface, Sequelize, Transaction } from 'sequelize'

// The parts of Sequelize that its types leave out, as they are since 6.28.

type Connection = CursorClient &
  Client & {
    /** Of the transaction that it is in. */
    readonly uuid?: string
  }

interface ConnectionPool {
  readonly maxSize: number
  readonly _inUseObjects?: readonly { readonly resource: Connection }[]
}

interface ConnectionManager {
  /** With replication it is two in one. */
  readonly pool: ConnectionPool & {
    readonly read?: ConnectionPool
    readonly write?: ConnectionPool
  }
  getConnection(options?: object): Promise<Connection>
  releaseConnection(connection: Connection): void
  connect(config: object): Promise<Connection>
  close(): Promise<void>
}

type Method = 'getConnection' | 'connect' | 'close'

interface OpenTransaction {
  readonly id: string
  readonly connection?: Connection
  readonly finished?: string
}

/** What SQL of an audit can be sent to. */
export type Target = Sequelize | QueryInterface | Transaction

/**
 * Makes every connection that a Sequelize uses carry the context of the code that asks for it, those
 * of its replicas and those in use at this moment included.
 *
 * @returns takes it off again.
 */
export function attach(sequelize: Sequelize, carrying: CarryOptions): () => void {
  const manager = managerOf(sequelize)
  const clients = new Map<Connection, () => void>()
  let isAttached = true
  const wrap = (client: Connection) => {
    // it was asked for before, and came after
    if (!isAttached) return
    const unwrap = wrapClient(client, carrying)
    if (!unwrap) return
    clients.set(client, unwrap)
    client.once('end', () => clients.delete(client))
  }
  const { pool } = manager
  for (const each of [pool, pool.read, pool.write]) {
    for (const { resource } of each?._inUseObjects ?? []) wrap(resource)
  }
  const restore = [
    replace(manager, 'getConnection', async (original, options) => {
      const client = await original(options)
      wrap(client)
      return client
    }),
    // all that comes from a socket has the context of whoever opened it, so that must be none
    replace(manager, 'connect', (original, config) =>
      runInContext(undefined, () => original(config)),
    ),
  ]
  return () => {
    isAttached = false
    for (const each of restore) each()
    for (const unwrap of clients.values()) unwrap()
    clients.clear()
  }
}

/** Runs an act when a Sequelize is closed, before it is; what it returns takes that back. */
export function beforeClose(sequelize: Sequelize, act: () => void): () => void {
  return replace(managerOf(sequelize), 'close', (original) => {
    act()
    return original()
  })
}

/** Puts a method in front of another one; what it returns puts that back, if it is still ours. */
function replace<Name extends Method>(
  manager: ConnectionManager,
  name: Name,
  method: (
    original: ConnectionManager[Name],
    ...args: Parameters<ConnectionManager[Name]>
  ) => ReturnType<ConnectionManager[Name]>,
): () => void {
  const before = Object.getOwnPropertyDescriptor(manager, name)
  const original = manager[name].bind(manager) as ConnectionManager[Name]
  const ours = (...args: Parameters<ConnectionManager[Name]>) => method(original, ...args)
  Object.defineProperty(manager, name, { value: ours, configurable: true, writable: true })
  return () => {
    // Sequelize#close replaces it, too
    if (manager[name] !== (ours as unknown)) return
    if (before) Object.defineProperty(manager, name, before)
    else Reflect.deleteProperty(manager, name)
  }
}

/** Where the SQL of an audit goes: past what Sequelize makes of texts, values and rows. */
export function queryableOf(target: Target): Queryable {
  if (isTransaction(target)) {
    const connection = () => connectionOf(target as Transaction & OpenTransaction)
    return {
      query: (text, values) => connection().query(text, values),
      stream: (text, values) => rowsInTransaction(connection(), text, values),
    }
  }
  const manager = managerOf('queryGenerator' in target ? target.sequelize : target)
  const lender = {
    acquire: () => manager.getConnection({ useMaster: true }),
    release: (connection: Connection) => manager.releaseConnection(connection),
  }
  return {
    async query(text, values) {
      const connection = await lender.acquire()
      try {
        return await connection.query(text, values)
      } finally {
        lender.release(connection)
      }
    },
    stream(text, values) {
      const { maxSize } = manager.pool.write ?? manager.pool
      return borrowedRows({ ...lender, pool: manager, most: maxSize }, text, values)
    },
  }
}

/** Whether it is something of Sequelize's, which is no Queryable though it has a method `query`. */
export function isTarget(value: unknown): value is Target {
  if (typeof value !== 'object' || value === null) return false
  return 'connectionManager' in value || ('sequelize' in value && isTarget(value.sequelize))
}

/** Refuses what is no Sequelize 6 on node-postgres. */
export function checkSequelize(sequelize: Sequelize): void {
  if (!isTarget(sequelize) || !('getDialect' in sequelize && sequelize.config)) {
    throw new UsageError(
      'auditrum was given something that is no Sequelize 6. Give the object that new Sequelize(…) returns; for Sequelize 7 see the guide.',
    )
  }
  const dialect = sequelize.getDialect()
  if (dialect !== 'postgres') {
    throw new UsageError(
      `This Sequelize speaks ${dialect}, and the audit trail is made by PostgreSQL. Give one with dialect: 'postgres'.`,
    )
  }
  if ((sequelize.config as { readonly native?: boolean }).native) {
    throw new UsageError(
      'This Sequelize has native: true, and pg-native lets nobody send a context along with a statement. Leave the option out: the client in JavaScript does the same.',
    )
  }
}

function managerOf(sequelize: Sequelize): ConnectionManager {
  return sequelize.connectionManager as unknown as ConnectionManager
}

function isTransaction(target: Target): target is Transaction {
  return 'rollback' in target
}

function connectionOf({ id, connection, finished }: OpenTransaction): Connection {
  if (connection?.uuid === id && !finished) return connection
  throw new UsageError(
    `This transaction ${finished ? `has ended (${finished})` : 'is not under way'}, and its connection may serve others. Use the audit inside of it.`,
  )
}

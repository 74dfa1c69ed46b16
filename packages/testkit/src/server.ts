import pg from 'pg'

/** Where a server is: plain data that can be handed to another process. */
export interface Connection {
  /** The server's major version, such as `'18'`. */
  readonly version: string
  readonly host: string
  readonly port: number
  /** A superuser. */
  readonly user: string
  /** Only for a server that was there before. */
  readonly password?: string
  /** Only for a server that this testkit has started. */
  readonly dataDirectory?: string
  /** The postmaster; only for a server that this testkit has started. */
  readonly pid?: number
}

/** A running PostgreSQL server. */
export interface Server extends Connection {
  /** The address of a database, for the superuser or another role. */
  url(database?: string, user?: string, password?: string): string
  /**
   * Stops the server and removes its data directory. Does nothing to a server that was started
   * elsewhere.
   */
  stop(): Promise<void>
  /** Sends the postmaster a signal; resolves when it is sent, or with SIGKILL when it is dead. */
  kill(signal: NodeJS.Signals): Promise<void>
}

/**
 * A {@link Server} that somebody else has started and will stop.
 *
 * @example
 * ```ts
 * const server = attach({ version: '18', host: '127.0.0.1', port: 5432, user: 'postgres' })
 * ```
 */
export function attach(connection: Connection): Server {
  return Object.freeze({
    ...connection,
    url: (database?: string, user?: string, password?: string) =>
      url(connection, database, user, password),
    async stop() {},
    async kill(signal: NodeJS.Signals) {
      if (connection.pid === undefined) {
        throw new Error(
          'A server that was not started here takes no signals. Start one with startServer().',
        )
      }
      process.kill(connection.pid, signal)
      while (signal === 'SIGKILL' && alive(connection.pid)) {
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
    },
  })
}

/** The {@link Connection} of a server, without its methods. */
export function connectionOf(server: Server): Connection {
  // of whatever else a server can do
  return Object.fromEntries(
    Object.entries(server).filter(([, value]) => typeof value !== 'function'),
  ) as unknown as Connection
}

/** Asks the server behind an address for its version. */
export async function discover(address: string): Promise<Connection> {
  const client = new pg.Client({ connectionString: address })
  await client.connect()
  try {
    const { rows } = await client.query('select current_setting($1)::integer / 10000 as major', [
      'server_version_num',
    ])
    return {
      version: String(rows[0].major),
      host: client.host,
      port: client.port,
      user: client.user ?? 'postgres',
      ...(client.password ? { password: client.password } : {}),
    }
  } finally {
    await client.end()
  }
}

function url(connection: Connection, database = 'postgres', user?: string, password?: string) {
  const secret = password ?? (user === undefined ? connection.password : undefined)
  const name = encodeURIComponent(user ?? connection.user)
  const login = secret === undefined ? name : `${name}:${encodeURIComponent(secret)}`
  return `postgres://${login}@${connection.host}:${connection.port}/${encodeURIComponent(database)}`
}

function alive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

import { randomBytes } from 'node:crypto'
import pg from 'pg'
import type { Server } from './server.ts'

/** What {@link createDatabase} may be told. */
export interface DatabaseOptions {
  /** The database to copy, such as one made by `prepareTemplate`. */
  readonly template?: string | undefined
  readonly encoding?: string | undefined
  /** The locale; with an encoding but no locale it is C, which goes with every encoding. */
  readonly locale?: string | undefined
  /** A name; a unique one without it. */
  readonly name?: string | undefined
}

/** A role that can log in, known to one {@link Database}. */
export interface Role {
  readonly name: string
  readonly url: string
  /** A connected client of this role; `drop()` closes it. */
  client(options?: pg.ClientConfig): Promise<pg.Client>
  /** A pool of this role; `drop()` closes it. */
  pool(options?: pg.PoolConfig): pg.Pool
}

/** A database for one test or one file of tests. */
export interface Database {
  readonly name: string
  readonly url: string
  readonly server: Server
  /** A connected client; `drop()` closes it. */
  client(options?: pg.ClientConfig): Promise<pg.Client>
  /** A pool; `drop()` closes it. */
  pool(options?: pg.PoolConfig): pg.Pool
  /** Runs one query as superuser, on a client that all calls share. */
  query<R extends pg.QueryResultRow = Record<string, unknown>>(
    text: string,
    values?: unknown[],
  ): Promise<pg.QueryResult<R>>
  /** Creates a role with LOGIN and the given attributes, such as `'CREATEROLE'`. */
  role(attributes?: string): Promise<Role>
  /** Closes what was opened through this object, drops the database and its roles. */
  drop(): Promise<void>
}

/**
 * Creates a database, in milliseconds from a template.
 *
 * @example
 * ```ts
 * const database = await createDatabase(server, { encoding: 'LATIN1' })
 * await database.query('create table customer (id integer primary key)')
 * await database.drop()
 * ```
 */
export async function createDatabase(
  server: Server,
  { template, encoding, locale, name = unique('test') }: DatabaseOptions = {},
): Promise<Database> {
  let statement = `create database ${pg.escapeIdentifier(name)}`
  // template0 is the only one that may be copied into another encoding.
  const source = template ?? (encoding || locale ? 'template0' : undefined)
  if (source) statement += ` template ${pg.escapeIdentifier(source)}`
  if (encoding) statement += ` encoding ${pg.escapeLiteral(encoding)}`
  const collation = locale ?? (encoding && 'C')
  if (collation) statement += ` locale ${pg.escapeLiteral(collation)}`
  // Half the time of the default, which also fills the shared buffers.
  if (Number(server.version) >= 15) statement += ' strategy file_copy'
  await administer(server, (admin) => admin.query(statement))
  return open(server, name)
}

/** Runs statements on the server's maintenance database. */
export async function administer<T>(
  server: Server,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = new pg.Client(server.url())
  client.on('error', ignore)
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

function unique(prefix: string): string {
  return `${prefix}_${randomBytes(6).toString('hex')}`
}

function open(server: Server, name: string): Database {
  const address = server.url(name)
  const ends: (() => Promise<void>)[] = []
  const roles: string[] = []
  let shared: Promise<pg.Client> | undefined
  let dropping: Promise<void> | undefined

  const connector = (connectionString: string) => ({
    async client(options: pg.ClientConfig = {}) {
      const client = new pg.Client({ connectionString, ...options })
      // drop() ends sessions by force; a test that cares listens itself.
      client.on('error', ignore)
      ends.push(() => client.end())
      await client.connect()
      return client
    },
    pool(options: pg.PoolConfig = {}) {
      const pool = new pg.Pool({ connectionString, ...options })
      pool.on('error', ignore)
      pool.on('connect', (client) => client.on('error', ignore))
      ends.push(() => pool.end())
      return pool
    },
  })
  const own = connector(address)

  const drop = async () => {
    // Not awaited: a pool waits for clients that a failed test has never released.
    for (const end of ends) end().catch(ignore)
    await administer(server, async (admin) => {
      await admin.query(`drop database if exists ${pg.escapeIdentifier(name)} with (force)`)
      for (const role of roles) await admin.query(`drop owned by ${role}; drop role ${role}`)
    })
  }

  return Object.freeze({
    name,
    url: address,
    server,
    ...own,
    async query<R extends pg.QueryResultRow>(text: string, values?: unknown[]) {
      shared ??= own.client()
      return (await shared).query<R>(text, values)
    },
    async role(attributes = '') {
      const role = unique('role')
      // A server that was there before may ask for a password.
      const secret = server.password === undefined ? undefined : role
      const password = secret ? `password ${pg.escapeLiteral(secret)}` : ''
      await administer(server, (admin) =>
        admin.query(`create role ${role} login ${password} ${attributes}`),
      )
      roles.push(role)
      const url = server.url(name, role, secret)
      return Object.freeze({ name: role, url, ...connector(url) })
    },
    drop() {
      dropping ??= drop()
      return dropping
    },
  })
}

function ignore() {}

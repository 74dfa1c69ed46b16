import { existsSync, readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import { UsageError } from '@auditrum/core'
import pg from 'pg'
import { parse } from 'pg-connection-string'
import { exactTypes } from './exact-types.js'
import { connectionError } from './failure.js'

/** Where a database is. */
export interface Address {
  /** Undefined: as the PG* variables say. */
  readonly url: string | undefined
  /** For people: without the password. */
  readonly shown: string
}

const variables = ['PGHOST', 'PGPORT', 'PGUSER', 'PGDATABASE'] as const

/** Adds what a `.env` in the working directory says to the environment; what is set already wins. */
export function loadDotEnv(): void {
  if (!existsSync('.env')) return
  for (const [name, value] of Object.entries(parseEnv(readFileSync('.env', 'utf8')))) {
    process.env[name] ??= value
  }
}

/** The first that is given: option, `DATABASE_URL`, configuration, PG* variables. */
export function findAddress(
  option: string | undefined,
  configured: string | undefined,
): Address | undefined {
  const url = option || process.env.DATABASE_URL || configured
  if (url) return { url, shown: shownUrl(url) }
  if (!variables.some((name) => process.env[name])) return undefined
  const { PGHOST = 'localhost', PGPORT = '5432', PGUSER, PGDATABASE } = process.env
  const shown = `${PGUSER ? `${PGUSER}@` : ''}${PGHOST}:${PGPORT}/${PGDATABASE ?? PGUSER ?? ''}`
  return { url: undefined, shown }
}

/** A pool of few connections, of which one has been made. */
export async function connect(
  { url, shown }: Address,
  options: pg.PoolConfig = {},
): Promise<pg.Pool> {
  const pool = new pg.Pool({
    ...(url !== undefined && { connectionString: url }),
    application_name: 'auditrum',
    connectionTimeoutMillis: 10_000,
    max: 2,
    types: exactTypes,
    ...options,
  })
  // a connection that breaks while nobody uses it: the next query says so
  pool.on('error', () => {})
  try {
    const client = await pool.connect()
    client.release()
  } catch (error) {
    await pool.end().catch(() => {})
    throw connectionError(error, shown)
  }
  return pool
}

/**
 * An environment in which programs that read variables, libpq's or DATABASE_URL, find this database and
 * no other.
 */
export function environmentOf({ url }: Address, around: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  // of these only libpq would know
  const { PGHOSTADDR: _, PGSERVICE: __, PGSERVICEFILE: ___, ...others } = around
  if (url === undefined) {
    const { DATABASE_URL: ____, ...variables } = others
    return variables
  }
  const { host, port, user, password, database } = parse(url)
  const sslmode = new URL(url).searchParams.get('sslmode')
  return {
    ...others,
    DATABASE_URL: url,
    ...(host && { PGHOST: host }),
    ...(port && { PGPORT: port }),
    ...(user && { PGUSER: user }),
    ...(password && { PGPASSWORD: password }),
    ...(database && { PGDATABASE: database }),
    ...(sslmode && { PGSSLMODE: sslmode }),
  }
}

function shownUrl(url: string): string {
  try {
    const { protocol, username, host, pathname } = new URL(url)
    if (/^postgres(ql)?:$/.test(protocol)) {
      return `${username ? `${username}@` : ''}${host || 'localhost'}${pathname}`
    }
  } catch {
    // said below
  }
  // it is not shown: a password may be in it
  throw new UsageError(
    'The address of the database is no URL of PostgreSQL. Give one such as postgres://user@host:5432/database; in a password, write @ as %40 and / as %2F.',
  )
}

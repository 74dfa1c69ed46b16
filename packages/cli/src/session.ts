import { join } from 'node:path'
import { UsageError } from '@auditrum/core'
import { auditrum, type PgAuditrum } from '@auditrum/pg'
import type pg from 'pg'
import { type Address, connect, findAddress, loadDotEnv } from './database.js'
import { interruptibly } from './interruption.js'
import { type FoundConfig, load, loadConfig } from './load-config.js'
import { inOptions } from './spelling.js'
import { Terminal } from './terminal.js'

/** What every command takes. */
export interface GlobalOptions {
  readonly databaseUrl?: string | undefined
  readonly schema?: string | undefined
  readonly config?: string | undefined
  readonly quiet?: true | undefined
  readonly verbose?: true | undefined
}

/** Where a command is: what it was told, and whom it tells. */
export interface Setting {
  readonly terminal: Terminal
  readonly config: FoundConfig
  /** The schema of the log. */
  readonly schema: string | undefined
  readonly address: Address | undefined
}

/** A command at work on a database. */
export interface Session extends Setting {
  readonly address: Address
  readonly audit: PgAuditrum
  readonly pool: pg.Pool
}

/** Reads `.env` and the configuration; connects to nothing. */
export async function settingOf(options: GlobalOptions): Promise<Setting> {
  loadDotEnv()
  const terminal = new Terminal({
    quiet: options.quiet === true,
    verbose: options.verbose === true,
  })
  const config = await loadConfig(options.config)
  return {
    terminal,
    config,
    schema: options.schema ?? config.schema,
    address: findAddress(options.databaseUrl, config.databaseUrl),
  }
}

/**
 * Connects, does the work, and ends the connections.
 *
 * @throws UsageError where nothing says which database.
 * @throws SchemaError where it cannot be reached.
 */
export async function withSession(
  options: GlobalOptions,
  work: (session: Session) => Promise<void>,
): Promise<void> {
  await inSession(await settingOf(options), work)
}

/** The same, in a setting that is known already. */
export async function inSession(
  setting: Setting,
  work: (session: Session) => Promise<void>,
): Promise<void> {
  const { terminal, config, schema, address } = setting
  if (!address) {
    throw new UsageError(
      'Nothing says which database. Give --database-url postgres://user@host/database, or set DATABASE_URL, here or in a file .env.',
    )
  }
  terminal.detail(`Connecting to ${address.shown}`)
  const pool = await terminal.waiting('Connecting', () => connect(address))
  const audit = auditrum(pool, {
    tables: config.tables,
    ...(schema !== undefined && { schema }),
    ...(config.app !== undefined && { app: config.app }),
    ...(config.image !== undefined && { image: config.image }),
    ...(config.retention !== undefined && { retention: config.retention }),
    ...(config.signing !== undefined && { signing: config.signing }),
    maintain: false,
    onError: (error) => terminal.warn(inOptions(error.message)),
  })
  try {
    await interruptibly(address, pool, () => work({ ...setting, address, audit, pool }))
  } finally {
    audit.close()
    await pool.end()
  }
}

/** Adds the declarations that the globs of the configuration find. */
export async function discover({ audit, config, terminal }: Session): Promise<void> {
  if (config.discover === undefined) return
  const patterns = [config.discover].flat().map((pattern) => join(config.folder, pattern))
  for (const file of await audit.discover(patterns, { load })) terminal.detail(`Read ${file}`)
}

import {
  type AuditrumOptions,
  type Declaration,
  type Signing,
  type TrackAll,
  type TrackOptions,
  track,
  UsageError,
  type Waiver,
} from '@auditrum/core'
import { checkOptions } from '@auditrum/core/adapter'

/** A table to record: what `track`, `trackAll` and `waive` return; in JSON its name, or an object. */
export type ConfigTable =
  | Declaration
  | TrackAll
  | Waiver
  | string
  | ({ readonly table: string } & TrackOptions)

/** What `auditrum.config.ts`, `.mts`, `.js`, `.mjs` or `.json` says. */
export interface Config extends Pick<AuditrumOptions, 'schema' | 'app' | 'image' | 'discover'> {
  /** Signs the context of what the command writes, where the database asks for that. */
  readonly signing?: Signing | undefined
  /** Where the database is, if neither `--database-url` nor `DATABASE_URL` says so. */
  readonly databaseUrl?: string | undefined
  /** What to record. */
  readonly tables?: readonly ConfigTable[] | undefined
}

/**
 * Gives a configuration its type.
 *
 * @example
 * ```ts
 * // auditrum.config.ts
 * import { defineConfig, track } from 'auditrum'
 *
 * export default defineConfig({
 *   tables: [track('customers', { mask: ['email'] }), track('orders', { ignore: ['updated_at'] })],
 * })
 * ```
 */
export function defineConfig(config: Config): Config {
  return config
}

/** A configuration as the audit takes it. */
export interface CheckedConfig extends Omit<Config, 'tables'> {
  readonly tables: readonly (Declaration | TrackAll | Waiver)[]
}

/** Refuses what is no configuration: a misspelt option would be none. */
export function checkConfig(file: string, value: unknown): CheckedConfig {
  checkOptions(file, value, [
    'databaseUrl',
    'schema',
    'app',
    'image',
    'signing',
    'discover',
    'tables',
  ])
  const { tables = [], ...config } = value as Config
  if (!Array.isArray(tables)) {
    throw new UsageError(
      `The tables in ${file} are no list. Give one: tables: [track('orders')], or in JSON "tables": ["orders"].`,
    )
  }
  if (config.databaseUrl !== undefined && typeof config.databaseUrl !== 'string') {
    throw new UsageError(
      `The databaseUrl in ${file} is no text. Give an address such as postgres://localhost/shop, or leave it out.`,
    )
  }
  return { ...config, tables: (tables as readonly ConfigTable[]).map(declarationOf) }
}

function declarationOf(entry: ConfigTable): Declaration | TrackAll | Waiver {
  if (typeof entry === 'string') return track(entry)
  if (typeof entry !== 'object' || entry === null || 'kind' in entry) return entry
  const { table, ...options } = entry
  return track(table, options)
}

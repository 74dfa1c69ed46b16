import { type Declaration, type TrackAll, track, UsageError, type Waiver } from '@auditrum/core'
import { checkOptions } from '@auditrum/core/adapter'
import type { Config, ConfigTable } from './config.js'

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
    'retention',
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

import type {
  AuditrumOptions,
  Declaration,
  Signing,
  TrackAll,
  TrackOptions,
  Waiver,
} from '@auditrum/core'

/** A table to record: what `track`, `trackAll` and `waive` return; in JSON its name, or an object. */
export type ConfigTable =
  | Declaration
  | TrackAll
  | Waiver
  | string
  | ({ readonly table: string } & TrackOptions)

/** What `auditrum.config.ts`, `.mts`, `.js`, `.mjs` or `.json` says. */
export interface Config
  extends Pick<AuditrumOptions, 'schema' | 'app' | 'image' | 'retention' | 'discover'> {
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

import type { Declaration, TrackAll, Waiver } from './declare/track.js'
import type { Queryable } from './queryable.js'

export interface AuditrumOptions {
  /** What to record: `track`, `trackAll` and `waive`. */
  readonly tables?: readonly (Declaration | TrackAll | Waiver)[] | undefined
  /**
   * The schema of the log.
   *
   * @defaultValue `'auditrum'`
   */
  readonly schema?: string | undefined
  /**
   * Whose declarations these are: `prune` removes only what the same app declared.
   *
   * @defaultValue `'default'`
   */
  readonly app?: string | undefined
  /**
   * The image of tables that declare none.
   *
   * @defaultValue `'full'`
   */
  readonly image?: 'full' | 'changed' | undefined
  /**
   * How long events of tables are kept that declare no retention: `'2 years'`, `'90 days'`, or
   * `'forever'`, which a purge of all tables leaves alone, too. What is older goes by `maintain()`. Takes
   * effect at the next `sync`.
   *
   * @defaultValue none: until somebody purges
   */
  readonly retention?: string | undefined
  /**
   * Where to read from, such as a replica.
   *
   * @defaultValue where everything else goes
   */
  readonly reader?: Queryable | undefined
  /**
   * How long a change of the schema may wait for a lock each time it tries, in milliseconds; writers
   * of that table wait behind it that long. `sync` tries eight times.
   *
   * @defaultValue `2000`
   */
  readonly lockTimeout?: number | undefined
  /** Globs of files that declare tables: see `discover` of the audit. */
  readonly discover?: string | readonly string[] | undefined
}

/** What `discover` may be told. */
export interface DiscoverOptions {
  /**
   * Reads a file that Node itself cannot, such as TypeScript on Node 20; gives what it exports.
   *
   * @defaultValue `import`
   * @example
   * ```ts
   * const jiti = createJiti(import.meta.url)
   * await audit.discover('src/**\/audit.ts', { load: (file) => jiti.import(file) })
   * ```
   */
  readonly load?: ((file: string) => Promise<unknown>) | undefined
}

/** What `plan` and `migration` may be told. */
export interface PlanOptions {
  /**
   * Also stop recording what this app no longer declares.
   *
   * @defaultValue `false`
   */
  readonly prune?: boolean | undefined
}

/** What `sync` may be told. */
export interface SyncOptions extends PlanOptions {
  /**
   * Only say what would be done. As `plan`, it cannot tell whether `when` and `label` are good SQL.
   *
   * @defaultValue `false`
   */
  readonly dryRun?: boolean | undefined
}

/** What `uninstall` may be told. */
export interface UninstallOptions {
  /**
   * `false` also drops the log, with all history in it.
   *
   * @defaultValue `true`
   */
  readonly keepLog?: boolean | undefined
}

/** The names of {@link AuditrumOptions}, for adapters that have more. */
export const auditrumOptions = [
  'tables',
  'schema',
  'app',
  'image',
  'retention',
  'reader',
  'lockTimeout',
  'discover',
] satisfies (keyof AuditrumOptions)[]

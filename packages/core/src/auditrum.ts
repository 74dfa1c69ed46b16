import type { TableName } from './declare/table.js'
import {
  type Declaration,
  type TrackAll,
  type TrackOptions,
  track,
  type Waiver,
} from './declare/track.js'
import { UsageError } from './errors.js'
import { check } from './install/check.js'
import { type MigrationSql, migrationSql } from './install/migration.js'
import { createPartitions, type Maintenance, maintain } from './install/partitions.js'
import { type Change, plan } from './install/plan.js'
import { type Status, status } from './install/status.js'
import { type SyncResult, sync } from './install/sync.js'
import { uninstall } from './install/uninstall.js'
import type { Queryable } from './queryable.js'
import { type BlameLine, blame } from './read/blame.js'
import type { AuditEvent, Row } from './read/event.js'
import type { EventFilter, RowId } from './read/filter.js'
import { history, type Page, page } from './read/history.js'
import { DEFAULT_SCHEMA } from './sql/template.js'

export interface AuditrumOptions {
  /** What to record: `track`, `trackAll` and `waive`. */
  readonly tables?: readonly (Declaration | TrackAll | Waiver)[]
  /** The schema of the log. */
  readonly schema?: string
  /** Whose declarations these are: `prune` removes only what the same app declared. */
  readonly app?: string
  /** The image of tables that declare none. */
  readonly image?: 'full' | 'changed'
  /** Where to read from, such as a replica. */
  readonly reader?: Queryable
  /** How long a change of the schema may wait for a lock, in milliseconds. */
  readonly lockTimeout?: number
}

/**
 * The audit trail of one database, over any driver. It opens no connection and holds none.
 *
 * @example
 * ```ts
 * const pool = new pg.Pool()
 * const audit = new Auditrum(pool, { tables: [track('orders', { exclude: ['card_number'] })] })
 * await audit.sync()
 * for await (const event of audit.history({ table: 'orders', id: 42 })) console.log(event.diff)
 * ```
 */
export class Auditrum {
  readonly #queryable: Queryable
  readonly #reader: Queryable
  readonly #schema: string
  readonly #app: string
  readonly #image: 'full' | 'changed' | undefined
  readonly #lockTimeout: number
  readonly #tables: (Declaration | TrackAll | Waiver)[]

  constructor(
    queryable: Queryable,
    {
      tables = [],
      schema = DEFAULT_SCHEMA,
      app = 'default',
      image,
      reader = queryable,
      lockTimeout = 2000,
    }: AuditrumOptions = {},
  ) {
    if (!Number.isSafeInteger(lockTimeout) || lockTimeout < 1) {
      throw new UsageError(
        `lockTimeout: ${lockTimeout} is no time to wait. Give milliseconds, at least 1.`,
      )
    }
    this.#queryable = queryable
    this.#reader = reader
    this.#schema = schema
    this.#app = app
    this.#image = image
    this.#lockTimeout = lockTimeout
    this.#tables = [...tables]
  }

  /**
   * The same audit on another connection: in a transaction of the caller's, say. What is declared
   * later on one is not declared on the other.
   */
  on(queryable: Queryable): Auditrum {
    return new Auditrum(queryable, {
      tables: this.#tables,
      schema: this.#schema,
      app: this.#app,
      lockTimeout: this.#lockTimeout,
      ...(this.#image === undefined ? {} : { image: this.#image }),
    })
  }

  /** Declares one more table; takes effect at the next `sync`. */
  track(table: string | TableName, options?: TrackOptions): void {
    this.#tables.push(track(table, options))
  }

  /** What sync would do, with the SQL. Reads the catalogue alone. */
  async plan(options: { readonly prune?: boolean } = {}): Promise<readonly Change[]> {
    return plan(this.#queryable, { ...this.#declared(), ...options })
  }

  /**
   * Makes log, functions, partitions and triggers as declared. Where nothing differs it takes no lock
   * and only reads the catalogue: to be called at every start.
   *
   * @param options.prune also stop recording what this app no longer declares.
   * @param options.dryRun only say what would be done.
   */
  async sync(
    options: { readonly prune?: boolean; readonly dryRun?: boolean } = {},
  ): Promise<SyncResult> {
    return sync(this.#queryable, {
      ...this.#declared(),
      lockTimeout: this.#lockTimeout,
      ...options,
    })
  }

  /** What `plan` found, as a migration in plain SQL. */
  async migration(options: { readonly prune?: boolean } = {}): Promise<MigrationSql> {
    return migrationSql(await this.plan(options))
  }

  /** Whether the trail is healthy, what is wrong with it, and what mends that. */
  async status(): Promise<Status> {
    return status(this.#queryable, this.#declared())
  }

  /** The tables, as `schema.name`, that nobody tracks and nobody waived. */
  async check(): Promise<readonly string[]> {
    return check(this.#queryable, this.#declared())
  }

  /**
   * Stops recording every table, whoever declared it.
   *
   * @param options.keepLog false also drops the log, with all history in it.
   */
  async uninstall({ keepLog = true }: { readonly keepLog?: boolean } = {}): Promise<void> {
    await uninstall(this.#queryable, {
      schema: this.#schema,
      lockTimeout: this.#lockTimeout,
      keepLog,
    })
  }

  /** Makes the partitions of this month and so many after it; returns the names of the new ones. */
  async createPartitions({
    months = 3,
  }: {
    readonly months?: number
  } = {}): Promise<readonly string[]> {
    return createPartitions(this.#queryable, this.#schema, months)
  }

  /** The log's housekeeping, to be called about once a day. */
  async maintain(): Promise<Maintenance> {
    return maintain(this.#queryable, this.#schema)
  }

  /** All events that match, newest first, read page by page. */
  history<R extends object = Row>(filter: EventFilter = {}): AsyncIterableIterator<AuditEvent<R>> {
    return history<R>(this.#reader, this.#schema, filter)
  }

  /** One page of events: `next` is the `after` of the next one. */
  async page<R extends object = Row>(filter: EventFilter = {}): Promise<Page<R>> {
    return page<R>(this.#reader, this.#schema, filter)
  }

  /** Who gave each column of a row its present value, latest change first. */
  async blame(
    table: string | TableName,
    id: RowId,
    options: { readonly column?: string } = {},
  ): Promise<readonly BlameLine[]> {
    return blame(this.#reader, this.#schema, table, id, options)
  }

  #declared() {
    const image = this.#image
    const tables = this.#tables.map((entry) =>
      image === undefined || entry.kind === 'waive'
        ? entry
        : { ...entry, options: { image, ...entry.options } },
    )
    return { schema: this.#schema, app: this.#app, tables }
  }
}

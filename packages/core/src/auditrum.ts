import { AuditSealer } from './audit-sealer.js'
import {
  type AuditrumOptions,
  auditrumOptions,
  type DiscoverOptions,
  type PlanOptions,
  type SyncOptions,
  type UninstallOptions,
} from './auditrum-options.js'
import { withChangeReason } from './context/context.js'
import { brokenFile, declarationFiles, loadDeclarations } from './declare/discover.js'
import { parseTable, quoteTable, type TableName } from './declare/table.js'
import {
  checkEntry,
  type Declaration,
  isRetention,
  RETENTION_REMEDY,
  type TrackAll,
  type TrackOptions,
  track,
  type Waiver,
} from './declare/track.js'
import { DeclarationError, UsageError } from './errors.js'
import { type Backfill, backfill } from './install/backfill.js'
import { check } from './install/check.js'
import { type MigrationSql, migrationSql } from './install/migration.js'
import { type Change, plan } from './install/plan.js'
import { type Status, status } from './install/status.js'
import { type SyncResult, sync } from './install/sync.js'
import { uninstall } from './install/uninstall.js'
import { addHardeningFindings } from './keep/undone.js'
import { checkFlag, checkOptions, isPlainObject, show } from './options.js'
import { checkQueryable, type Queryable, rowsOf } from './queryable.js'
import { quoteIdentifier } from './sql/quote.js'
import { checkSchema, DEFAULT_SCHEMA } from './sql/template.js'
import {
  type Acceptance,
  type AcceptOptions,
  acceptUnlogged,
  checkAcceptance,
} from './trust/accept-unlogged.js'
import type { Reversal } from './undo/reversal.js'
import { type RevertOptions, revert } from './undo/revert.js'
import type { RevertTarget } from './undo/target.js'

/** The longest lock_timeout of PostgreSQL, in milliseconds. */
const LONGEST = 2_147_483_647

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
export class Auditrum extends AuditSealer {
  readonly #queryable: Queryable
  readonly #app: string
  readonly #image: 'full' | 'changed' | undefined
  readonly #retention: string | undefined
  readonly #lockTimeout: number
  readonly #tables: (Declaration | TrackAll | Waiver)[]
  readonly #discover: string | readonly string[] | undefined
  /** Each file is run once. */
  readonly #discovered = new Map<string, Promise<void>>()

  /**
   * @throws UsageError where this is no Queryable, or an option is unknown or of the wrong type.
   * @throws DeclarationError where `tables` holds what declares nothing.
   */
  constructor(queryable: Queryable, options: AuditrumOptions = {}) {
    checkQueryable(queryable, 'The first argument of Auditrum')
    checkOptions('Auditrum', options, auditrumOptions)
    const {
      tables = [],
      schema = DEFAULT_SCHEMA,
      app = 'default',
      image,
      retention,
      reader = queryable,
      lockTimeout = 2000,
      discover,
    } = options
    checkQueryable(reader, 'The option reader')
    checkSchema(schema)
    if (typeof app !== 'string' || app === '') {
      throw new UsageError(`app: ${show(app)} names no app. Give a name of at least one letter.`)
    }
    if (image !== undefined && image !== 'full' && image !== 'changed') {
      throw new UsageError(`image: ${show(image)} is no image. Give 'full' or 'changed'.`)
    }
    if (retention !== undefined && !isRetention(retention)) {
      throw new UsageError(`retention: ${show(retention)} is no time. ${RETENTION_REMEDY}.`)
    }
    if (!Array.isArray(tables)) {
      throw new DeclarationError(
        `tables: ${show(tables)} is no list. Give one: tables: [track('orders')].`,
      )
    }
    if (!Number.isSafeInteger(lockTimeout) || lockTimeout < 1 || lockTimeout > LONGEST) {
      throw new UsageError(
        `lockTimeout: ${show(lockTimeout)} is no time to wait. Give milliseconds, 1 to ${LONGEST}.`,
      )
    }
    super(queryable, reader, schema, lockTimeout)
    this.#queryable = queryable
    this.#app = app
    this.#image = image
    this.#retention = retention
    this.#lockTimeout = lockTimeout
    this.#discover = discover
    this.#tables = (tables as readonly unknown[]).map((entry, index) =>
      checkEntry(entry, `tables[${index}]`),
    )
  }

  /**
   * The same audit on another connection: in a transaction of the caller's, say. What is declared
   * later on one is not declared on the other.
   */
  on(queryable: Queryable): Auditrum {
    const audit = new Auditrum(queryable, {
      tables: this.#tables,
      schema: this.schema,
      app: this.#app,
      lockTimeout: this.#lockTimeout,
      image: this.#image,
      retention: this.#retention,
      discover: this.#discovered.size === 0 ? this.#discover : undefined,
    })
    audit.learningWith(this)
    return audit
  }

  /** Declares one more table; takes effect at the next `sync`. */
  track(table: string | TableName, options?: TrackOptions): void {
    this.declare(track(table, options))
  }

  /** Declares more, as the option `tables` does; takes effect at the next `sync`. */
  declare(...entries: readonly (Declaration | TrackAll | Waiver)[]): void {
    this.#tables.push(...entries.map((entry, index) => checkEntry(entry, `entry ${index}`)))
  }

  /**
   * Runs the files that declare tables beside the code that uses them, each once, in the order of
   * their paths. Such a file's default export is a function that is called with this audit, or a list
   * of `track(…)`. Takes effect at the next `sync`.
   *
   * @param patterns Globs, from the working directory.
   * @returns the files.
   * @throws DeclarationError that names the file, where one is broken; and where there is none.
   * @example
   * ```ts
   * await audit.discover('src/**\/audit.{ts,js}')
   * ```
   */
  async discover(
    patterns: string | readonly string[],
    options: DiscoverOptions = {},
  ): Promise<readonly string[]> {
    checkOptions('discover', options, ['load'])
    const files = await declarationFiles(patterns)
    for (const file of files) {
      const known = this.#discovered.get(file) ?? this.#run(file, options)
      this.#discovered.set(file, known)
      await known.catch((error: unknown) => {
        this.#discovered.delete(file)
        throw error
      })
    }
    return files
  }

  async #run(file: string, { load }: DiscoverOptions): Promise<void> {
    const declared = await loadDeclarations(file, load)
    try {
      const given: unknown = typeof declared === 'function' ? await declared(this) : declared
      if (Array.isArray(given)) this.declare(...given)
      else if (isPlainObject(given) && 'kind' in given)
        this.declare(given as unknown as Declaration)
      else if (typeof declared !== 'function') {
        throw new TypeError(`its default export is ${show(declared)}`)
      }
    } catch (error) {
      throw brokenFile(file, error)
    }
  }

  /**
   * What sync would do, with the SQL. Reads the catalogue alone, so it cannot tell whether the SQL in
   * `when` and `label` fits the table: only `sync` has the database parse it, and refuses what does
   * not.
   */
  async plan(options: PlanOptions = {}): Promise<readonly Change[]> {
    const checked = checkPlan('plan', options)
    return plan(this.#queryable, { ...(await this.#declared()), ...checked })
  }

  /**
   * Makes log, functions, partitions and triggers as declared. Where nothing differs it takes no lock
   * and only reads the catalogue: to be called at every start. So it does under a role that may not change
   * the log, where all that differs can wait for its owner: these tables are `pending`.
   *
   * @throws DeclarationError where a declaration contradicts itself or does not fit its table.
   * @throws SchemaError where a privilege is missing, or a table could not be locked.
   */
  async sync(options: SyncOptions = {}): Promise<SyncResult> {
    checkOptions('sync', options, ['prune', 'dryRun'])
    const { prune, dryRun } = options
    checkFlag('sync', 'prune', prune)
    checkFlag('sync', 'dryRun', dryRun)
    return sync(this.#queryable, {
      ...(await this.#declared()),
      lockTimeout: this.#lockTimeout,
      prune,
      dryRun,
    })
  }

  /** What `plan` found, as a migration in plain SQL. */
  async migration(options: PlanOptions = {}): Promise<MigrationSql> {
    return migrationSql(await this.plan(checkPlan('migration', options)))
  }

  /** Whether the trail is healthy, what is wrong with it, and what mends that. */
  async status(): Promise<Status> {
    return status(this.#queryable, await this.#declared(), (add) =>
      addHardeningFindings(this.#queryable, this.schema, add),
    )
  }

  /** The tables, as `schema.name`, that nobody tracks and nobody waived. */
  async check(): Promise<readonly string[]> {
    return check(this.#queryable, await this.#declared())
  }

  /**
   * Stops recording one table. What is in the log stays, and the next `sync` records it again where it is
   * still declared.
   *
   * @returns whether it was recorded.
   */
  async untrack(table: string | TableName): Promise<boolean> {
    const text = `SELECT ${quoteIdentifier(this.schema)}.untrack($1::regclass)::text AS untracked`
    const [row] = await rowsOf<{ untracked: string }>(this.#queryable, text, [
      quoteTable(parseTable(table)),
    ])
    return row?.untracked === 'true'
  }

  /**
   * Records the present rows of a tracked table as events with the operation `snapshot`: those that
   * have no event yet since the table is recorded without a gap, so a second call records nothing.
   * Nobody is locked out meanwhile. The current context is theirs.
   *
   * @throws SchemaError where this role does not own the log or may not read the table, or where
   *   somebody has been writing to it for a minute without committing.
   * @example
   * ```ts
   * const { recorded } = await withChangeReason('as we found it', () => audit.backfill('orders'))
   * ```
   */
  async backfill(table: string | TableName): Promise<Backfill> {
    return backfill(this.#queryable, this.schema, table)
  }

  /**
   * Takes note of the changes that `verifyTables` finds, once somebody has looked at them: the log says of
   * each row how it was found, when, by whom and for which reason, and knows it again. Nothing that it has
   * is changed; about the time in between it does not claim to know all. 10,000 rows at a time.
   *
   * @throws UsageError where no reason is given, or the table has no primary key.
   * @throws SchemaError where this role does not own the log or may not read the table, or where
   *   somebody has been writing to it for a minute without committing.
   * @example
   * ```ts
   * const { ok } = await audit.verifyTables('orders')
   * if (!ok) await audit.acceptUnlogged('orders', { reason: 'restored from the backup of 3 May' })
   * ```
   */
  async acceptUnlogged(table: string | TableName, options: AcceptOptions): Promise<Acceptance> {
    const reason = checkAcceptance(options)
    return withChangeReason(`found changed outside of the log: ${reason}`, () =>
      acceptUnlogged(this.#queryable, this.schema, table, reason),
    )
  }

  /** Stops recording every table, whoever declared it. The log stays, unless told otherwise. */
  async uninstall(options: UninstallOptions = {}): Promise<void> {
    checkOptions('uninstall', options, ['keepLog'])
    const { keepLog = true } = options
    checkFlag('uninstall', 'keepLog', keepLog)
    await uninstall(this.#queryable, {
      schema: this.schema,
      lockTimeout: this.#lockTimeout,
      keepLog,
    })
  }

  /**
   * Undoes an event, a transaction, or all that one request or job did: each row is given back what it
   * was before, in one transaction, by the rights of this connection. The undo is recorded with the
   * reason `revert of …`, so it can be undone, too. A row that was changed since is a conflict.
   *
   * @throws ConflictError with the `conflicts`, unless `onConflict` says what becomes of such rows; also
   *   where rows would not fit the others (a foreign key, a unique value), or a request has several
   *   roots. Nothing is written then.
   * @throws UsageError where the log knows no such id.
   * @example
   * ```ts
   * const { sql, conflicts } = await audit.revert({ transaction: '4711' }, { dryRun: true })
   * const { steps, omitted } = await audit.revert({ transaction: '4711' }, { onConflict: 'skip' })
   * ```
   */
  async revert(target: RevertTarget, options?: RevertOptions): Promise<Reversal> {
    return revert(this.#queryable, this.schema, target, options)
  }

  async #declared() {
    if (this.#discover !== undefined) await this.discover(this.#discover)
    const defaults = {
      ...(this.#image !== undefined && { image: this.#image }),
      ...(this.#retention !== undefined && { retention: this.#retention }),
    }
    const tables = this.#tables.map((entry) =>
      entry.kind === 'waive' ? entry : { ...entry, options: { ...defaults, ...entry.options } },
    )
    return { schema: this.schema, app: this.#app, tables }
  }
}

function checkPlan(call: string, options: PlanOptions): PlanOptions {
  checkOptions(call, options, ['prune'])
  checkFlag(call, 'prune', options.prune)
  return { prune: options.prune }
}

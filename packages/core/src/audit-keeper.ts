import { AuditReader } from './audit-reader.js'
import type { Status } from './install/status.js'
import { checkRole, type Hardening, type HardenOptions, harden } from './keep/harden.js'
import { type MaintainOptions, type Maintenance, maintain } from './keep/maintain.js'
import { createPartitions, type PartitionOptions } from './keep/partitions.js'
import { type Purge, type PurgeOptions, purge } from './keep/purge.js'
import { checkFlag } from './options.js'
import { type Queryable, rowsOf } from './queryable.js'
import { quoteIdentifier } from './sql/quote.js'

/** What keeps a log: its partitions, how long its events stay, and who may do what to it. */
export abstract class AuditKeeper extends AuditReader {
  readonly #queryable: Queryable
  readonly #lockTimeout: number

  constructor(queryable: Queryable, reader: Queryable, schema: string, lockTimeout: number) {
    super(reader, schema)
    this.#queryable = queryable
    this.#lockTimeout = lockTimeout
  }

  /** Whether the trail is healthy, what is wrong with it, and what mends that. */
  abstract status(): Promise<Status>

  /**
   * Makes partitions ahead, by month, week or day, and has `maintain` keep so many; an overflow that
   * holds rows becomes a partition of its own first.
   *
   * @returns the names of the new ones.
   * @throws SchemaError where the log could not be locked.
   * @example
   * ```ts
   * await audit.createPartitions({ months: 12 })
   * await audit.createPartitions({ weeks: 8 }) // by week, behind those that are there
   * ```
   */
  async createPartitions(options: PartitionOptions = {}): Promise<readonly string[]> {
    return createPartitions(this.#queryable, this.schema, options, this.#lockTimeout)
  }

  /**
   * The log's housekeeping, to be called about once a day: makes partitions ahead, lets go of what is
   * older than its retention, and notes the columns of tables. Each step is a transaction of its own, and
   * no write waits longer than `lockTimeout`. Several at a time do no harm.
   *
   * @throws SchemaError where the log could not be locked. The rest is done, and the next run does that.
   * @example
   * ```ts
   * const { purge } = await audit.maintain({ dryRun: true }) // what is older than its retention
   * ```
   */
  async maintain(options: MaintainOptions = {}): Promise<Maintenance> {
    return maintain(this.#queryable, this.schema, options, this.#lockTimeout)
  }

  /**
   * Deletes what is older, and the contexts that no event needs any more, in many transactions: nobody
   * waits. Writes down in the view `purges` who did it and what went. Answers about the past know that
   * they reach less far. Killed half-way it is gone on with by `maintain`.
   *
   * @throws UsageError where `olderThan` is no time, or the log knows no such table.
   * @throws SchemaError where this is not the owner of the log, nor a role that may.
   * @example
   * ```ts
   * const { events, bytes } = await audit.purge({ olderThan: '2 years', dryRun: true })
   * await withChangeReason('GDPR, article 5', () => audit.purge({ olderThan: '2 years' }))
   * ```
   */
  async purge(options: PurgeOptions): Promise<Purge> {
    return purge(this.#queryable, this.schema, options, this.#lockTimeout)
  }

  /**
   * Makes the log append-only for the role of the application: takes every right on it from that role,
   * from PUBLIC and from the roles that it is a member of, lets the admin role read and keep it, checks the
   * result in the same transaction, and tells what each role can still do. To be run as the owner of the
   * log, or as a superuser; run again it changes nothing.
   *
   * @throws SchemaError where recording is off or may be put off (`status` says so as well), or where the
   *   application's role has what cannot be taken from it: it is a superuser, owns the log, or can become
   *   its owner. Nothing is changed then.
   * @throws UsageError where an option is no name of a role.
   * @example
   * ```ts
   * const { ok, gaps } = await audit.harden({ appRole: 'shop', adminRole: 'auditors' })
   * for (const { message, remedy } of gaps) console.warn(message, remedy)
   * ```
   */
  async harden(options: HardenOptions): Promise<Hardening> {
    return harden(this.#queryable, this.schema, options, {
      status: () => this.status(),
      lockTimeout: this.#lockTimeout,
    })
  }

  /**
   * Has the log forget that it was hardened against a role, which was meant by mistake or is gone for
   * good: `status` says nothing more of it. What was taken from the role stays taken.
   *
   * @throws UsageError where the log was not hardened against it.
   * @throws SchemaError where this is not the owner of the log.
   * @example
   * ```ts
   * await audit.forgetHardening('shpo')
   * ```
   */
  async forgetHardening(appRole: string): Promise<void> {
    const text = `SELECT ${quoteIdentifier(this.schema)}.forget_hardening($1)`
    await rowsOf(this.#queryable, text, [checkRole('forgetHardening', 'appRole', appRole)])
  }

  /**
   * From now on a context counts only if it is signed with this key, which the application holds:
   * who can inject SQL can then no longer write in somebody else's name. Give adapters the same key
   * as their option `signing`.
   *
   * @param key at least 32 bytes; null forgets it, and with the last one signatures are not asked for.
   * @param name tells keys apart: two are valid while one takes the place of the other.
   * @throws UsageError for a key that can be guessed.
   */
  async signContexts(key: string | null, name = 'default'): Promise<void> {
    const text = `SELECT ${quoteIdentifier(this.schema)}.sign_contexts($1, $2)`
    await rowsOf(this.#queryable, text, [key, name])
  }

  /**
   * Whether this database may pause its recording: for one that holds nothing but what tests write.
   * For as long as it may, `status` warns of it.
   *
   * @throws SchemaError where this is not the owner of the log.
   */
  async allowPausing(allowed = true): Promise<void> {
    checkFlag('allowPausing', 'allowed', allowed)
    const text = `SELECT ${quoteIdentifier(this.schema)}.allow_pausing($1::boolean)`
    await rowsOf(this.#queryable, text, [String(allowed)])
  }

  /**
   * Stops recording all tables of this database, for every connection, until {@link resume} or
   * {@link sync}. The log knows of the gap. In a transaction it is undone by a rollback.
   *
   * @throws UsageError where {@link allowPausing} has not allowed it.
   */
  async pause(): Promise<void> {
    await rowsOf(this.#queryable, `SELECT ${quoteIdentifier(this.schema)}.pause(true)`, [])
  }

  /** Records all tables again, after {@link pause}. */
  async resume(): Promise<void> {
    await rowsOf(this.#queryable, `SELECT ${quoteIdentifier(this.schema)}.pause(false)`, [])
  }
}

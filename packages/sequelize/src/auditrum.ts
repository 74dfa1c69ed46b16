import type {
  Auditrum,
  Declaration,
  Queryable,
  SyncOptions,
  SyncResult,
  TableName,
  TrackAll,
  TrackOptions,
  Waiver,
} from '@auditrum/core'
import { CarryingAuditrum, type CarryingOptions, oncePerTarget } from '@auditrum/pg/adapter'
import type { Model, ModelStatic, Sequelize } from 'sequelize'
import {
  attach,
  beforeClose,
  checkSequelize,
  isTarget,
  queryableOf,
  type Target,
} from './connections.js'
import { addHistory } from './history.js'
import type { AuditContextModel, AuditEventModel, AuditModels } from './model-types.js'
import { auditModels } from './models.js'
import { type ModelTrackOptions, modelOf, track } from './track.js'

type Entry = Declaration | TrackAll | Waiver

/** What {@link auditrum} may be told. */
export interface SequelizeOptions extends Omit<CarryingOptions, 'reader'> {
  /** Where to read from, such as a Sequelize on a replica. */
  readonly reader?: Queryable | Sequelize | undefined
}

const auditOf = oncePerTarget<Sequelize, SequelizeAuditrum, SequelizeOptions>(
  'Sequelize',
  (sequelize, options) => new SequelizeAuditrum(sequelize, options),
)

/**
 * The audit of a database over Sequelize 6: from now on every write of this Sequelize carries the
 * context of the code that asks for it, at no extra round trip. Called again with the same Sequelize it
 * returns the same audit, and declares what `tables` adds.
 *
 * @throws UsageError for another dialect than postgres, for `native: true`, and for other options when
 *   the Sequelize has its audit.
 * @example
 * ```ts
 * const audit = auditrum(sequelize, { tables: [track(User, { exclude: ['passwordHash'] })] })
 * await audit.sync()
 * await withContext({ user_id: 7 }, () => user.update({ name: 'Anna' }))
 * ```
 */
export function auditrum(sequelize: Sequelize, options: SequelizeOptions = {}): SequelizeAuditrum {
  return auditOf(sequelize, options)
}

/** The audit of a Sequelize; {@link auditrum} makes it. */
export class SequelizeAuditrum extends CarryingAuditrum implements AuditModels {
  readonly #sequelize: Sequelize
  readonly #unhook: () => void
  #models: AuditModels | undefined

  constructor(sequelize: Sequelize, options: SequelizeOptions = {}) {
    checkSequelize(sequelize)
    super(queryableOf(sequelize), readingFrom(options), (carrying) => attach(sequelize, carrying))
    this.#sequelize = sequelize
    this.#addHistory(options.tables ?? [])
    this.#unhook = beforeClose(sequelize, () => this.close())
  }

  /** {@inheritDoc CarryingAuditrum.close} Closing its Sequelize does it, too. */
  override close(): void {
    this.#unhook()
    super.close()
  }

  /** The events of the log as a read-only model. */
  get AuditEvent(): AuditEventModel {
    return this.#log.AuditEvent
  }

  /** The contexts of the log as a read-only model. */
  get AuditContext(): AuditContextModel {
    return this.#log.AuditContext
  }

  /**
   * The same audit in a transaction of the caller's, managed or not, or on the Sequelize of a migration.
   */
  override on(target: Target | Queryable): Auditrum {
    return super.on(isTarget(target) ? queryableOf(target) : target)
  }

  override declare(...entries: readonly Entry[]): void {
    super.declare(...entries)
    this.#addHistory(entries)
  }

  /** Declares the table of one more model; takes effect at the next `sync`. */
  override track<M extends Model>(model: ModelStatic<M>, options?: ModelTrackOptions<M>): void
  /** Declares one more table; takes effect at the next `sync`. */
  override track(table: string | TableName, options?: TrackOptions): void
  override track(
    table: ModelStatic<Model> & string,
    options?: ModelTrackOptions & TrackOptions,
  ): void {
    this.declare(track(table, options))
  }

  /**
   * Syncs in a migration: in its transaction, or on the Sequelize that it is given.
   *
   * @example
   * ```ts
   * export const up = ({ context: queryInterface }) => audit.install(queryInterface)
   * ```
   */
  install(target: Target, options?: SyncOptions): Promise<SyncResult> {
    return this.on(target).sync(options)
  }

  #addHistory(entries: readonly Entry[]): void {
    for (const entry of entries) {
      const model = modelOf(entry)
      // the history of a model on another Sequelize would be looked for in another database
      if (model?.sequelize === this.#sequelize) addHistory(model, this)
    }
  }

  get #log(): AuditModels {
    this.#models ??= auditModels(this.#sequelize, this.schema)
    return this.#models
  }
}

function readingFrom(options: SequelizeOptions): CarryingOptions {
  const reader = options?.reader
  // all else is for core to refuse, in its words
  return isTarget(reader)
    ? { ...options, reader: queryableOf(reader) }
    : (options as CarryingOptions)
}

import type { Auditrum, ColumnValue, Moment, PendingPastRows, Row } from '@auditrum/core'
import type { FindOptions, Model, ModelStatic, Transaction } from 'sequelize'
import type { SequelizeAuditrum } from './auditrum.js'
import type { AuditEventAttributes, AuditEventInstance } from './model-types.js'
import { keyOf } from './scopes.js'
import { type AttributeOf, columnOf, tableOf } from './track.js'

/** How to look at the past. */
export interface PastOptions {
  /** Where to look; on a connection of its own without it. */
  readonly transaction?: Transaction | undefined
  /** Leaves out what transactions had done that were still under way; as in core. */
  readonly consistent?: boolean | undefined
}

/**
 * What the instances of a tracked model can tell. TypeScript learns of it as of any mixin:
 *
 * @example
 * ```ts
 * class User extends Model<InferAttributes<User>> {
 *   declare auditHistory: Audited['auditHistory']
 *   declare auditAt: Audited<User>['auditAt']
 *   declare auditFieldHistory: Audited<User>['auditFieldHistory']
 *   declare static auditAsOf: AuditedModel<User>['auditAsOf']
 * }
 * ```
 */
export interface Audited<M extends Model = Model> {
  /** The events of this row, newest first, as `AuditEvent.forRecord(this)` finds them. */
  auditHistory(options?: FindOptions<AuditEventAttributes>): Promise<AuditEventInstance[]>
  /**
   * This row as it was; null where there was none. The instance is not in the table: to `save` it is to
   * insert it, which brings a deleted row back and is refused by the key where there is one.
   */
  auditAt(at: Moment, options?: PastOptions): Promise<M | null>
  /** The values that an attribute had, oldest first: since when, until when, by whom and why. */
  auditFieldHistory(
    attribute: AttributeOf<M>,
    options?: Pick<PastOptions, 'transaction'>,
  ): Promise<readonly ColumnValue[]>
}

/** What a tracked model itself can tell. */
export interface AuditedModel<M extends Model = Model> {
  /** The table as it was, whatever scopes or `paranoid` hide; instances as those of {@link Audited.auditAt}. */
  auditAsOf(at: Moment, options?: PastOptions): PendingPastRows<M>
}

const audits = new WeakMap<object, SequelizeAuditrum>()

const ofInstances: {
  [Name in keyof Audited]: (
    this: Model,
    ...args: Parameters<Audited[Name]>
  ) => ReturnType<Audited[Name]>
} = {
  auditHistory(options) {
    const { AuditEvent } = auditOf(modelOf(this))
    return AuditEvent.forRecord(this).findAll({ order: [['id', 'DESC']], ...options })
  },
  async auditAt(at, { transaction, ...options } = {}) {
    const model = modelOf(this)
    const row = await auditOn(model, transaction).rowAsOf(tableOf(model), keyOf(this), at, options)
    return row && instanceOf(model, row)
  },
  async auditFieldHistory(attribute, { transaction } = {}) {
    const model = modelOf(this)
    const column = columnOf(model, attribute)
    return auditOn(model, transaction).columnHistory(tableOf(model), keyOf(this), column)
  },
}

const ofModels: AuditedModel = {
  auditAsOf(this: ModelStatic<Model>, at, { transaction, ...options } = {}) {
    const model = unscoped(this)
    const rows = auditOn(model, transaction).tableAsOf(tableOf(model), at, options)
    return instancesOf(model, rows)
  },
}

/** Gives a tracked model its history. Methods of the application's with these names stay. */
export function addHistory(model: ModelStatic<Model>, audit: SequelizeAuditrum): void {
  const base = unscoped(model)
  audits.set(base, audit)
  for (const [target, methods] of [
    [base.prototype, ofInstances],
    [base, ofModels],
  ] as const) {
    for (const [name, value] of Object.entries(methods)) {
      if (name in target) continue
      Object.defineProperty(target, name, { value, configurable: true, writable: true })
    }
  }
}

/** An instance that is not in the table. Its attributes are those of then, by the names of now. */
function instanceOf(model: ModelStatic<Model>, row: Row): Model {
  const names = Object.entries(model.getAttributes()).map(([name, { field }]) => [
    field ?? name,
    name,
  ])
  const nameOf = new Map(names as [string, string][])
  const values = Object.entries(row).map(([column, value]) => [nameOf.get(column) ?? column, value])
  // not as a new one, which would be given the default values of what it lacks
  const instance = model.build(Object.fromEntries(values), { raw: true, isNewRecord: false })
  instance.isNewRecord = true
  return instance
}

/** Rows as instances; what is known of the answer is still said by the rows. */
function instancesOf(model: ModelStatic<Model>, rows: PendingPastRows): PendingPastRows<Model> {
  const reading = (of: AsyncIterable<Row>) => ({
    async *value() {
      for await (const row of of) yield instanceOf(model, row)
    },
  })
  return Object.create(rows, {
    [Symbol.asyncIterator]: reading(rows),
    // biome-ignore lint/suspicious/noThenProperty: awaited or iterated, as the caller likes
    then: {
      value: (...handlers: Parameters<PendingPastRows['then']>) =>
        rows
          .then((known) => Object.create(known, { [Symbol.asyncIterator]: reading(known) }))
          .then(...handlers),
    },
  })
}

function auditOn(model: ModelStatic<Model>, transaction: Transaction | undefined): Auditrum {
  const audit = auditOf(model)
  return transaction ? audit.on(transaction) : audit
}

/** Also of a scope of the model, or of a class of the application's: both are derived of it. */
function auditOf(model: ModelStatic<Model>): SequelizeAuditrum {
  return audits.get(model) ?? auditOf(Object.getPrototypeOf(model))
}

function modelOf(record: Model): ModelStatic<Model> {
  return unscoped(record.constructor as ModelStatic<Model>)
}

function unscoped(model: ModelStatic<Model>): ModelStatic<Model> {
  return Object.hasOwn(model, 'scoped') ? unscoped(Object.getPrototypeOf(model)) : model
}

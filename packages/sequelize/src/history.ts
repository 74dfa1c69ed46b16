import type { FindOptions, Model, ModelStatic } from 'sequelize'
import type { SequelizeAuditrum } from './auditrum.js'
import type { AuditEventAttributes, AuditEventInstance } from './model-types.js'

/**
 * What the instances of a tracked model can tell. TypeScript learns of it as of any mixin:
 *
 * @example
 * ```ts
 * class User extends Model<InferAttributes<User>> {
 *   declare auditHistory: Audited['auditHistory']
 * }
 * ```
 */
export interface Audited {
  /** The events of this row, newest first, as `AuditEvent.forRecord(this)` finds them. */
  auditHistory(options?: FindOptions<AuditEventAttributes>): Promise<AuditEventInstance[]>
}

const audits = new WeakMap<object, SequelizeAuditrum>()

const ofInstances = {
  auditHistory(options) {
    const { AuditEvent } = auditOf(this.constructor as ModelStatic<Model>)
    return AuditEvent.forRecord(this).findAll({ order: [['id', 'DESC']], ...options })
  },
} satisfies {
  [Name in keyof Audited]: (this: Model, ...args: Parameters<Audited[Name]>) => unknown
}

/** Gives a tracked model its history. Methods of the application's with these names stay. */
export function addHistory(model: ModelStatic<Model>, audit: SequelizeAuditrum): void {
  const base = unscoped(model)
  audits.set(base, audit)
  for (const [name, value] of Object.entries(ofInstances)) {
    if (name in base.prototype) continue
    Object.defineProperty(base.prototype, name, { value, configurable: true, writable: true })
  }
}

/** Also of a scope of the model, or of a class of the application's: both are derived of it. */
function auditOf(model: ModelStatic<Model>): SequelizeAuditrum {
  const audit = audits.get(model)
  return audit ?? auditOf(Object.getPrototypeOf(model))
}

function unscoped(model: ModelStatic<Model>): ModelStatic<Model> {
  return Object.hasOwn(model, 'scoped') ? unscoped(Object.getPrototypeOf(model)) : model
}

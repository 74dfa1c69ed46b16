import { UsageError } from '@auditrum/core'
import type {
  DataType,
  Model,
  ModelAttributes,
  ModelScopeOptions,
  ModelStatic,
  Sequelize,
} from 'sequelize'
import type {
  AuditContextAttributes,
  AuditContextInstance,
  AuditContextModel,
  AuditEventAttributes,
  AuditEventInstance,
  AuditEventModel,
  AuditModels,
} from './model-types.js'
import { scopesOf } from './scopes.js'

type Types = typeof import('sequelize').DataTypes
type Columns<Attributes> = Readonly<Record<keyof Attributes, DataType>>

const eventColumns = ({ ARRAY, BIGINT, BOOLEAN, DATE, INET, INTEGER, JSONB, TEXT, UUID }: Types) =>
  ({
    id: BIGINT,
    changedAt: DATE,
    operation: TEXT,
    schemaName: TEXT,
    tableName: TEXT,
    objectId: TEXT,
    oldObjectId: TEXT,
    userId: TEXT,
    oldData: JSONB,
    newData: JSONB,
    diff: JSONB,
    changeReason: TEXT,
    source: TEXT,
    dbUser: TEXT,
    clientAddr: INET,
    applicationName: TEXT,
    metadata: JSONB,
    contextError: TEXT,
    transactionId: BIGINT,
    contextId: BIGINT,
    contextUuid: UUID,
    rootUuid: UUID,
    meta: JSONB,
    masked: ARRAY(TEXT),
    drift: ARRAY(TEXT),
    redacted: ARRAY(TEXT),
    image: TEXT,
    lossy: BOOLEAN,
    txid: TEXT,
    tableId: INTEGER,
  }) satisfies Columns<AuditEventAttributes>

const contextColumns = ({ BIGINT, DATE, INET, JSONB, TEXT, UUID }: Types) =>
  ({
    id: BIGINT,
    startedAt: DATE,
    userId: TEXT,
    changeReason: TEXT,
    source: TEXT,
    clientAddr: INET,
    applicationName: TEXT,
    metadata: JSONB,
    contextError: TEXT,
    transactionId: BIGINT,
    uuid: UUID,
    rootUuid: UUID,
    txid: TEXT,
  }) satisfies Columns<AuditContextAttributes>

/**
 * Makes the read-only models of a log. They are not among `sequelize.models`, so that its sync, drop
 * and truncate do not meet them, nor take the place of the application's models of the same names.
 */
export function auditModels(sequelize: Sequelize, schema: string): AuditModels {
  const { options: sequelizeOptions } = sequelize as unknown as { readonly options: object }
  // a Sequelize that shares everything but the list of models, and what is meant for those
  const options = Object.create(sequelizeOptions, { define: { value: {} }, hooks: { value: {} } })
  const apart: Sequelize = Object.create(sequelize, {
    models: { value: {} },
    options: { value: options },
  })
  const ModelManager = sequelize.modelManager.constructor as new (of: Sequelize) => object
  Object.defineProperty(apart, 'modelManager', { value: new ModelManager(apart) })

  const { DataTypes } = sequelize.constructor as unknown as { readonly DataTypes: Types }
  const define = <M extends Model>(
    name: string,
    tableName: string,
    columns: Readonly<Record<string, DataType>>,
    scopes: ModelScopeOptions = {},
  ): ModelStatic<M> => {
    const attributes = Object.fromEntries(
      Object.entries(columns).map(([each, type]) => [each, { type, primaryKey: each === 'id' }]),
    )
    const model = apart.define<Model>(name, attributes as ModelAttributes<Model>, {
      schema,
      tableName,
      scopes,
      timestamps: false,
      underscored: true,
      whereMergeStrategy: 'and',
    })
    return readOnly(model) as ModelStatic<M>
  }

  const scopes = scopesOf(sequelize, schema)
  const AuditEvent = define<AuditEventInstance>(
    'AuditEvent',
    'auditlog',
    eventColumns(DataTypes),
    scopes as unknown as ModelScopeOptions,
  )
  const AuditContext: AuditContextModel = define<AuditContextInstance>(
    'AuditContext',
    'contexts',
    contextColumns(DataTypes),
  )
  const join = { foreignKey: 'contextId', constraints: false }
  AuditEvent.belongsTo(AuditContext, { as: 'context', ...join })
  AuditContext.hasMany(AuditEvent, { as: 'events', ...join })
  return Object.freeze({ AuditEvent: withScopes(AuditEvent, Object.keys(scopes)), AuditContext })
}

/** What each model was narrowed to, because `scope()` begins anew. */
const narrowed = new WeakMap<
  object,
  readonly { readonly method: readonly [string, ...unknown[]] }[]
>()

function withScopes(model: ModelStatic<AuditEventInstance>, names: readonly string[]) {
  for (const name of names) {
    Object.defineProperty(model, name, {
      value(this: ModelStatic<AuditEventInstance>, ...args: unknown[]) {
        const method: readonly [string, ...unknown[]] = [name, ...args]
        const scopes = [...(narrowed.get(this) ?? []), { method }]
        const scoped = this.scope(scopes)
        narrowed.set(scoped, scopes)
        return scoped
      },
    })
  }
  return model as AuditEventModel
}

const writing = {
  ofModels: [
    ...['create', 'bulkCreate', 'findOrCreate', 'findCreateFind', 'upsert', 'update', 'destroy'],
    ...['restore', 'increment', 'decrement', 'truncate', 'sync', 'drop', 'dropSchema'],
  ],
  ofInstances: ['save', 'update', 'destroy', 'restore', 'increment', 'decrement'],
}

function readOnly(model: ModelStatic<Model>): ModelStatic<Model> {
  const refuse = (call: string) => async (): Promise<never> => {
    throw new UsageError(
      `${call} would write to the audit log, which only its triggers do. Change the audited row itself, or read the log.`,
    )
  }
  for (const name of writing.ofModels) {
    Object.defineProperty(model, name, { value: refuse(`${model.name}.${name}()`) })
  }
  for (const name of writing.ofInstances) {
    Object.defineProperty(model.prototype, name, { value: refuse(`${name}() of an ${model.name}`) })
  }
  return model
}

import { type RowId, UsageError } from '@auditrum/core'
import { historyArguments, quoteTable } from '@auditrum/core/adapter'
import type { FindOptions, Model, ModelStatic, Sequelize } from 'sequelize'
import type { AuditContextInstance, AuditEventAttributes, AuditEventScopes } from './model-types.js'
import { columnOf, tableOf } from './track.js'

type ScopeName = keyof AuditEventScopes
type Scope = FindOptions<AuditEventAttributes>

/** The conditions that the scopes stand for; what names tables and rows is the database's own to know. */
export function scopesOf(sequelize: Sequelize, schema: string) {
  const inLog = (name: string) => quoteTable({ schema, table: name })
  const idOf = (table: string) => {
    const name = sequelize.escape(table)
    return `${inLog('table_id')}(CASE WHEN pg_catalog.cardinality(pg_catalog.parse_ident(${name})) = 1 THEN pg_catalog.to_regclass(${name}) END, pg_catalog.parse_ident(${name}))`
  }
  const Op = operatorsOf(sequelize)
  const isOneOf = (query: string) => ({ [Op.in]: sequelize.literal(`(${query})`) })
  return {
    forModel: (model: ModelStatic<Model>): Scope => ({
      where: { tableId: isOneOf(`SELECT ${idOf(quoteTable(tableOf(model)))}`) },
    }),

    forRecord(record: Model | ModelStatic<Model>, id?: RowId): Scope {
      const model = typeof record === 'function' ? record : modelOfRecord(record)
      const key = typeof record === 'function' ? id : keyOf(record)
      const row = historyArguments(tableOf(model), key).map((each) => sequelize.escape(each))
      const events = `${inLog('history')}(${row.join(', ')})`
      return { where: { id: isOneOf(`SELECT event.id FROM ${events} AS event`) } }
    },

    forUser: (user: string | number | bigint | Model): Scope => ({
      where: { userId: named('forUser', user, (record) => Object.values(keyOf(record))[0]) },
    }),

    forContext(context: string | bigint | AuditContextInstance): Scope {
      const id = named('forContext', context, (record) => record.id)
      return {
        where: id.includes('-')
          ? { [Op.or]: [{ contextUuid: id }, { rootUuid: id }] }
          : { contextId: id },
      }
    },
  } satisfies Record<ScopeName, (...args: never[]) => unknown>
}

/** A value or an instance as text: undefined would find nothing, and nobody would know why. */
function named<M extends Model>(
  scope: ScopeName,
  value: string | number | bigint | M,
  idOf: (record: M) => unknown,
): string {
  if (typeof value === 'object' && value !== null && 'getDataValue' in value) {
    return String(idOf(value))
  }
  if (['string', 'number', 'bigint'].includes(typeof value)) return String(value)
  throw new UsageError(
    `${scope} was given ${value}, which names nothing. Give an id or an instance.`,
  )
}

/** The key of a record, by column. */
export function keyOf(record: Model): Readonly<Record<string, unknown>> {
  const model = modelOfRecord(record)
  const key = model.primaryKeyAttributes.map((name) => [
    columnOf(model, name),
    asText(record.getDataValue(name as never)),
  ])
  if (key.length === 0 || key.some(([, value]) => value == null)) {
    throw new UsageError(
      `This ${model.name} has no value for its primary key, so its history cannot be found. Load the key's attributes, and save what is new.`,
    )
  }
  return Object.fromEntries(key)
}

/** What JSON has no form of its own for. */
function asText(value: unknown): unknown {
  return value instanceof Date ? value.toISOString() : value
}

function modelOfRecord(record: Model): ModelStatic<Model> {
  return record.constructor as ModelStatic<Model>
}

/** Of the copy of Sequelize that the application has. */
function operatorsOf(sequelize: Sequelize): typeof import('sequelize').Op {
  return (sequelize.constructor as unknown as typeof import('sequelize')).Op
}

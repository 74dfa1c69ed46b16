import {
  type Declaration,
  DeclarationError,
  type TableName,
  type TrackOptions,
  track as trackTable,
} from '@auditrum/core'
import { didYouMean } from '@auditrum/core/adapter'
import type { Attributes, Model, ModelStatic } from 'sequelize'

/** The names of a model's attributes. */
export type AttributeOf<M extends Model> = Extract<keyof Attributes<M>, string>

const columnOptions = ['only', 'exclude', 'ignore', 'mask', 'meta'] as const
type ColumnOption = (typeof columnOptions)[number]

/**
 * What to record of a model: as `TrackOptions`, with attributes instead of columns. `when` and `label`
 * are SQL, over columns.
 */
export type ModelTrackOptions<M extends Model = Model> = Omit<TrackOptions, ColumnOption> & {
  readonly [Option in ColumnOption]?: readonly AttributeOf<M>[] | undefined
}

const models = new WeakMap<object, ModelStatic<Model>>()

/**
 * Declares the table of a model as tracked; attribute names become those of columns.
 *
 * @throws DeclarationError for a model without a table, and for an attribute that it does not have.
 * @example
 * ```ts
 * auditrum(sequelize, { tables: [track(User, { exclude: ['passwordHash'] }), track('invoices')] })
 * ```
 */
export function track<M extends Model>(
  model: ModelStatic<M>,
  options?: ModelTrackOptions<M>,
): Declaration
/** Declares a table by its name, with columns as the database has them. */
export function track(table: string | TableName, options?: TrackOptions): Declaration
export function track(
  table: ModelStatic<Model> | string | TableName,
  options?: ModelTrackOptions | TrackOptions,
): Declaration {
  if (!isModel(table)) return trackTable(table, options)
  const declaration = trackTable(tableOf(table), inColumns(table, options))
  models.set(declaration, table)
  return declaration
}

/** The model that a declaration was made of, if it was. */
export function modelOf(declaration: object): ModelStatic<Model> | undefined {
  return models.get(declaration)
}

/**
 * The table of a model, as `history`, `blame` and `waive` want it.
 *
 * @example
 * ```ts
 * audit.history({ table: tableOf(User), id: 42 })
 * ```
 */
export function tableOf(model: ModelStatic<Model>): TableName {
  if (!isModel(model) || !model.sequelize) {
    throw new DeclarationError(
      `${isModel(model) ? `The model ${model.name} has no table yet` : 'This is no model'}. Give a model that init, define or addModels has made.`,
    )
  }
  const name = model.getTableName()
  if (typeof name === 'string') return { table: name }
  return name.schema ? { schema: name.schema, table: name.tableName } : { table: name.tableName }
}

/** The column of an attribute. */
export function columnOf(model: ModelStatic<Model>, attribute: string): string {
  const attributes = model.getAttributes()
  const known = Object.hasOwn(attributes, attribute) ? attributes[attribute] : undefined
  if (!known) {
    const names = Object.keys(attributes)
    throw new DeclarationError(
      `The model ${model.name} has no attribute "${attribute}". ${didYouMean(attribute, names) ?? `Its attributes are ${names.join(', ')}; name the table to declare columns that the model does not have.`}`,
    )
  }
  if ((known.type as { readonly key?: string }).key === 'VIRTUAL') {
    throw new DeclarationError(
      `The attribute "${attribute}" of the model ${model.name} is virtual, so the table has no such column. Name the attributes that it is made of.`,
    )
  }
  return known.field ?? attribute
}

function isModel(value: unknown): value is ModelStatic<Model> {
  return typeof value === 'function' && 'getTableName' in value
}

function inColumns(
  model: ModelStatic<Model>,
  options: ModelTrackOptions | TrackOptions | undefined,
): TrackOptions | undefined {
  if (typeof options !== 'object' || options === null) return options
  const translated: Record<string, unknown> = { ...options }
  for (const option of columnOptions) {
    const names: unknown = options[option]
    // what is no list of names is refused by core, in its words
    if (!Array.isArray(names)) continue
    translated[option] = names.map((name) =>
      typeof name === 'string' ? columnOf(model, name) : name,
    )
  }
  return translated
}

import type { RowId } from '@auditrum/core'
import type {
  BelongsToGetAssociationMixin,
  HasManyGetAssociationsMixin,
  Model,
  ModelStatic,
} from 'sequelize'

/** A row of the view `auditlog`: one change of one row. What the columns hold is said in the database (`\d+`). */
export interface AuditEventAttributes {
  readonly id: string
  readonly changedAt: Date
  readonly operation: 'insert' | 'update' | 'delete' | 'truncate' | 'snapshot'
  readonly schemaName: string
  readonly tableName: string
  readonly objectId: string | null
  readonly oldObjectId: string | null
  readonly userId: string | null
  /** The row before and after, by column. Numbers are JavaScript's: `audit.history` rounds none. */
  readonly oldData: Record<string, unknown> | null
  readonly newData: Record<string, unknown> | null
  readonly diff: Record<string, { readonly old: unknown; readonly new: unknown }> | null
  readonly changeReason: string | null
  readonly source: string | null
  readonly dbUser: string
  readonly clientAddr: string | null
  readonly applicationName: string | null
  readonly metadata: Record<string, unknown> | null
  readonly contextError: string | null
  readonly transactionId: string | null
  readonly contextId: string | null
  readonly contextUuid: string | null
  readonly rootUuid: string | null
  readonly meta: Record<string, unknown> | null
  readonly masked: string[] | null
  readonly drift: string[] | null
  readonly redacted: string[] | null
  readonly image: 'full' | 'changed' | 'key'
  readonly lossy: boolean
  readonly txid: string
  readonly tableId: number
}

/** A row of the view `contexts`: who, when, why and from where. */
export interface AuditContextAttributes {
  readonly id: string
  readonly startedAt: Date
  readonly userId: string | null
  readonly changeReason: string | null
  readonly source: string | null
  readonly clientAddr: string | null
  readonly applicationName: string | null
  readonly transactionId: string
  readonly uuid: string
  readonly rootUuid: string
  readonly metadata: Record<string, unknown> | null
  readonly contextError: string | null
  readonly txid: string
}

/** One event, read-only. */
export interface AuditEventInstance
  extends Model<AuditEventAttributes, never>,
    AuditEventAttributes {
  /** Where it was included. */
  readonly context?: AuditContextInstance | null
  readonly getContext: BelongsToGetAssociationMixin<AuditContextInstance>
}

/** One context, read-only. */
export interface AuditContextInstance
  extends Model<AuditContextAttributes, never>,
    AuditContextAttributes {
  /** Where they were included. */
  readonly events?: AuditEventInstance[]
  readonly getEvents: HasManyGetAssociationsMixin<AuditEventInstance>
}

/** The scopes of the events. They add up: `AuditEvent.forModel(User).forUser(7)`. */
export interface AuditEventScopes {
  /** The events of a model's table, also from before it was renamed. */
  forModel(model: ModelStatic<Model>): AuditEventModel
  /** The events of one row, followed back through changes of its key. */
  forRecord(record: Model): AuditEventModel
  /** @param id A value; for a composite key an object by column, or an array in the order of the key. */
  forRecord(model: ModelStatic<Model>, id: RowId): AuditEventModel
  /** By `user_id`; an instance stands for its key. */
  forUser(user: string | number | bigint | Model): AuditEventModel
  /** By `id` of a context, or by `uuid`: that block's and, for an outermost one, those of the blocks in it. */
  forContext(context: string | bigint | AuditContextInstance): AuditEventModel
}

export type AuditEventModel = ModelStatic<AuditEventInstance> & AuditEventScopes
export type AuditContextModel = ModelStatic<AuditContextInstance>

/** History in Sequelize's own words. */
export interface AuditModels {
  readonly AuditEvent: AuditEventModel
  readonly AuditContext: AuditContextModel
}

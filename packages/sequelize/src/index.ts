export * from '@auditrum/core'
export type { Carry } from '@auditrum/pg'
export { auditrum, SequelizeAuditrum, type SequelizeOptions } from './auditrum.js'
export { queryableOf, type Target } from './connections.js'
export type { Audited, AuditedModel, PastOptions } from './history.js'
export type {
  AuditContextAttributes,
  AuditContextInstance,
  AuditContextModel,
  AuditEventAttributes,
  AuditEventInstance,
  AuditEventModel,
  AuditEventScopes,
  AuditModels,
} from './model-types.js'
export { type AttributeOf, type ModelTrackOptions, tableOf, track } from './track.js'

export {
  type AuditEvent,
  Auditrum,
  AuditrumError,
  type AuditrumOptions,
  amendContext,
  type BlameLine,
  ConflictError,
  ContextError,
  type ContextMetadata,
  type CurrentContext,
  changeReason,
  contextEnvironment,
  currentContext,
  type Declaration,
  DeclarationError,
  type EventFilter,
  IntegrityError,
  type MigrationFile,
  type MigrationFileOptions,
  migrationFiles,
  type Page,
  type RowId,
  SchemaError,
  type Signing,
  type Status,
  type SyncResult,
  type TrackOptions,
  trackAll,
  UsageError,
  waive,
  withChangeReason,
  withContext,
} from '@auditrum/core'
export type { Carry } from '@auditrum/pg'
export { auditrum, SequelizeAuditrum, type SequelizeOptions } from './auditrum.js'
export { queryableOf, type Target } from './connections.js'
export type { Audited } from './history.js'
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

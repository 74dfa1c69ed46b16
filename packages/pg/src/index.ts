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
  type Moment,
  type Page,
  type PastDetails,
  type PastRow,
  type PastRows,
  type PendingPastRows,
  type Queryable,
  type RowAsOfOptions,
  type RowId,
  SchemaError,
  type Signing,
  type Status,
  type SyncResult,
  type TableAsOfOptions,
  type TrackOptions,
  track,
  trackAll,
  UsageError,
  waive,
  withChangeReason,
  withContext,
} from '@auditrum/core'
export { auditrum, PgAuditrum, type PgOptions } from './auditrum.js'
// for adapters
export { type Attach, CarryingAuditrum, type CarryingOptions, oncePerTarget } from './carrying.js'
export { wrapClient } from './client.js'
export { type Client, isPool } from './driver.js'
export { wrapPool } from './pool.js'
export type { Carry, CarryOptions } from './session.js'

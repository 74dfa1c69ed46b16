export { Auditrum } from './auditrum.js'
export type {
  AuditrumOptions,
  DiscoverOptions,
  PlanOptions,
  SyncOptions,
  UninstallOptions,
} from './auditrum-options.js'
// context
export {
  amendContext,
  type ChangeReasonDecorator,
  type ContextMetadata,
  type ContextValue,
  type CurrentContext,
  changeReason,
  currentContext,
  withChangeReason,
  withContext,
} from './context/context.js'
export { contextEnvironment } from './context/environment.js'
export type { RequestOptions, RequestUser } from './context/request-options.js'
export type { Signing } from './context/sign.js'
// declare
export type { TableName } from './declare/table.js'
export {
  type Declaration,
  type TrackAll,
  type TrackAllOptions,
  type TrackOptions,
  track,
  trackAll,
  type Waiver,
  type WhenByOperation,
  waive,
} from './declare/track.js'
// errors
export {
  AuditrumError,
  type AuditrumErrorCode,
  ConflictError,
  ContextError,
  DeclarationError,
  IntegrityError,
  type RevertConflict,
  SchemaError,
  UsageError,
} from './errors.js'
// install
export type { Backfill } from './install/backfill.js'
export type { Finding, FindingCode } from './install/finding.js'
export { type MigrationSql, migrationSql } from './install/migration.js'
export {
  type MigrationFile,
  type MigrationFileOptions,
  migrationFiles,
} from './install/migration-file.js'
export type { Change } from './install/plan.js'
export {
  type SchemaOptions,
  schemaSql,
  type TrackingOptions,
  trackingSql,
} from './install/schema.js'
export type {
  OverflowStatus,
  PartitionStatus,
  SealingStatus,
  Status,
  TableStatus,
} from './install/status.js'
export type { SyncResult } from './install/sync.js'
// keep
export type { CapabilityCode } from './keep/capabilities.js'
export type { Hardening, HardeningGap, HardenOptions } from './keep/harden.js'
export type { MaintainOptions, Maintenance } from './keep/maintain.js'
export type { PartitionOptions } from './keep/partitions.js'
export type { Purge, PurgeOptions } from './keep/purge.js'
export type { RightsLine } from './keep/rights.js'
// observe
export type {
  ColumnCost,
  Growth,
  Suggestion,
  Suggestions,
  SuggestOptions,
  TableCost,
  TableGrowth,
} from './observe/costs.js'
export type { Queryable } from './queryable.js'
// read
export type {
  PastRow,
  PastRows,
  PendingPastRows,
  RowAsOfOptions,
  TableAsOfOptions,
} from './read/as-of.js'
export type { BlameLine, BlameOptions } from './read/blame.js'
export type { ChangesOf, ChangesOptions, NetChange, RowChange } from './read/changes.js'
export type { ColumnValue } from './read/column-history.js'
export type {
  ColumnChanges,
  PendingRowDifferences,
  RowComparison,
  RowDifference,
  RowDifferences,
} from './read/compare.js'
export type { AuditEvent, EventContext, Row, ValueChange } from './read/event.js'
export type { EventFilter, RowId } from './read/filter.js'
export type { Page } from './read/history.js'
export type { Moment } from './read/moment.js'
export type { PastDetails } from './read/past.js'
export type { KnownRows, PendingRows } from './read/pending.js'
// trust
export type { Acceptance, AcceptOptions } from './trust/accept-unlogged.js'
export type { ChainStart } from './trust/chain-start.js'
export type { DigestProblem, NamedDigest } from './trust/check-digests.js'
export { type Digest, verifierKey, verifyDigest } from './trust/checkpoint.js'
export type { DigestOptions } from './trust/digest.js'
export type { EraseOptions, EraseTarget, Erasure } from './trust/erase.js'
export {
  type ProofOptions,
  type ProvenAct,
  type ProvenEvent,
  verifyProof,
} from './trust/proof.js'
export type { ProveOptions } from './trust/prove.js'
export type { EnableSealingOptions, Sealing, SealOptions } from './trust/seal.js'
export type { SealedContext, SealedEvent } from './trust/sealed-event.js'
export type { ChainProblem, ChainVerification, VerifyChainOptions } from './trust/verify-chain.js'
export type {
  TableVerification,
  UnloggedChange,
  Verification,
  VerifyTablesOptions,
} from './trust/verify-tables.js'
// undo
export type { Reversal, RevertOmission, RevertStep } from './undo/reversal.js'
export type { RevertOptions } from './undo/revert.js'
export type { RevertTarget } from './undo/target.js'

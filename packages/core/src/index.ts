export type { TableName } from './declare/table.js'
export {
  type Declaration,
  type TrackAll,
  type TrackOptions,
  track,
  trackAll,
  type Waiver,
  type WhenByOperation,
  waive,
} from './declare/track.js'
export {
  AuditrumError,
  type AuditrumErrorCode,
  ContextError,
  DeclarationError,
  SchemaError,
  UsageError,
} from './errors.js'
export { schemaSql, trackingSql } from './install/schema.js'
export type { Queryable } from './queryable.js'

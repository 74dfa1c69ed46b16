export * from '@auditrum/core'
export {
  auditrum,
  type KnexAuditOptions,
  KnexAuditrum,
  type KnexTransactionAudit,
} from './auditrum.js'
export type { AuditLogRow, EventQuery } from './events.js'

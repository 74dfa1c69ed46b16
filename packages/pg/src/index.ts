export * from '@auditrum/core'
export { auditrum, PgAuditrum, type PgOptions } from './auditrum.js'
export type { Carry } from './session.js'

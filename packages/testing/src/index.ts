export type { ExpectedEvent } from './matching.js'
export { type AuditTesting, testing } from './testing.js'

export {
  amendContext,
  type ContextMetadata,
  type CurrentContext,
  changeReason,
  currentContext,
  type RequestUser,
  withChangeReason,
  withContext,
} from '@auditrum/core'
export { auditContext, type ExpressContextOptions } from './audit-context.js'

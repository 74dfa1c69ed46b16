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
export { auditContext, type KoaContextOptions } from './audit-context.js'

// What adapters build on, beside the names in index.ts.
export { auditrumOptions } from './auditrum.js'
export { type ContextPayload, payloadOf } from './context/payload.js'
export { type RequestContext, type RequestFacts, requestContext } from './context/request.js'
export { checkSigning, signPayload } from './context/sign.js'
export { runInContext, type StoredContext, storedContext } from './context/store.js'
export { quoteTable } from './declare/table.js'
export { checkOptions, didYouMean } from './options.js'
export { historyArguments, timeText } from './read/filter.js'

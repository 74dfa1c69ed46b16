// What adapters over node-postgres build on.
export { type Attach, CarryingAuditrum, type CarryingOptions, oncePerTarget } from './carrying.js'
export { wrapClient } from './client.js'
export { borrowedRows, type CursorClient, rowsByCursor, rowsInTransaction } from './cursor.js'
export { type Client, isPool } from './driver.js'
export { wrapPool } from './pool.js'
export { queryableOf } from './queryable.js'
export type { CarryOptions } from './session.js'

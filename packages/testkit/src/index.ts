export { callsFile, callsTable } from './calls.ts'
export {
  createDatabase,
  type Database,
  type DatabaseOptions,
  type Role,
} from './database.ts'
export { type Installation, install } from './installation.ts'
export { type Pooler, type PoolerOptions, pgbouncer, startPgBouncer } from './pgbouncer.ts'
export { freePort } from './programs.ts'
export { attach, type Connection, type Server } from './server.ts'
export { type OwnServer, type StartOptions, startOwnServer, startServer } from './start.ts'
export { prepareTemplate } from './template.ts'
export { installedVersions, supportedVersions, type Version } from './versions.ts'

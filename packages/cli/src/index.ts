export * from '@auditrum/core'
export { type Config, type ConfigTable, defineConfig } from './config.js'

import type { TestProject } from 'vitest/node'
import { type Connection, connectionOf, type Server } from './server.ts'
import { startServer } from './start.ts'
import type { Version } from './versions.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** The version that a project made by `postgresProjects` runs on. */
    postgresVersion?: Version
    /** The server that the project's tests share. */
    postgres: { version: string; connection: Connection }
  }
}

type Servers = Map<string, Promise<Server>>

// Vitest loads this file once per project, and sets up one project after the other: the first one
// starts the servers of all, so that they come up side by side.
const holder = globalThis as { [key: symbol]: Servers | undefined }
const key = Symbol.for('auditrum.testkit.servers')

/** Vitest's global set-up: one server for all tests of a project. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  holder[key] ??= new Map()
  const servers = holder[key]
  const files = [project.config.globalSetup].flat()
  for (const { config } of project.vitest.projects) {
    if ([config.globalSetup].flat().some((file) => files.includes(file))) {
      begin(servers, config.provide.postgresVersion)
    }
  }
  const version = project.config.provide.postgresVersion
  const server = await begin(servers, version)
  project.provide('postgres', { version: server.version, connection: connectionOf(server) })
  return async () => {
    servers.delete(String(version))
    await server.stop()
  }
}

function begin(servers: Servers, version: Version | undefined): Promise<Server> {
  const name = String(version)
  const running = servers.get(name)
  if (running) return running
  const starting = startServer({ version })
  // The project that needs it reports the failure.
  starting.catch(() => {})
  servers.set(name, starting)
  return starting
}

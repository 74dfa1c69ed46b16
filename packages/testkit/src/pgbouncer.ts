import { chownSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { account } from './account.ts'
import { temporary } from './binaries.ts'
import { ended, freePort, launch, tail } from './programs.ts'
import type { Server } from './server.ts'

/** Where Debian, Homebrew and others put it; undefined where it is not installed. */
export const pgbouncer = ['/usr/sbin', '/usr/bin', '/usr/local/bin', '/opt/homebrew/bin']
  .map((folder) => join(folder, 'pgbouncer'))
  .find(existsSync)

/** A pooler in front of a server. */
export interface Pooler {
  /** The address of a database through the pooler. */
  url(database: string): string
  readonly pid: number
  stop(): Promise<void>
}

/** What {@link startPgBouncer} may be told. */
export interface PoolerOptions {
  /** Connections to each database; with one, whatever a transaction leaves behind meets the next. */
  readonly poolSize?: number
}

/**
 * Starts PgBouncer in transaction mode.
 *
 * @throws Error where PgBouncer is not installed: look at {@link pgbouncer} first.
 */
export async function startPgBouncer(
  server: Server,
  { poolSize = 1 }: PoolerOptions = {},
): Promise<Pooler> {
  if (!pgbouncer) throw new Error('PgBouncer is not installed. Install the package pgbouncer.')
  const directory = mkdtempSync(join(temporary(), 'auditrum-pgbouncer-'))
  const port = await freePort()
  const configuration = join(directory, 'pgbouncer.ini')
  writeFileSync(
    configuration,
    `[databases]
* = host=${server.host} port=${server.port} user=${server.user}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = ${poolSize}
max_client_conn = 500
ignore_startup_parameters = extra_float_digits
`,
  )
  if (account) chownSync(directory, account.uid, account.gid)
  const log = join(directory, 'log')
  const child = launch(pgbouncer, [configuration], log)
  const exit = ended(child)
  while (!(await listens(port))) {
    if (child.exitCode !== null) throw new Error(`PgBouncer did not start: ${tail(log)}`)
    await sleep(10)
  }
  return Object.freeze({
    pid: child.pid as number,
    url: (database: string) => `postgresql://${server.user}@127.0.0.1:${port}/${database}`,
    async stop() {
      child.kill('SIGINT')
      await exit
      rmSync(directory, { recursive: true, force: true })
    },
  })
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}

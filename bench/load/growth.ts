// What processes take of the memory while the load lasts.
import { readdirSync, readFileSync } from 'node:fs'
import { median } from '../report.ts'

/** The memory of something, one sample a second, in bytes. */
export interface Memory {
  readonly name: string
  readonly samples: readonly number[]
}

/** The median of the middle third of the samples, and of the last. */
export function thirds({ samples }: Memory): readonly [middle: number, last: number] {
  const third = Math.floor(samples.length / 3)
  return [median(samples.slice(third, -third)), median(samples.slice(-third))]
}

/**
 * Samples the application, the pooler, and the sessions of the server: what these have for themselves,
 * without the shared buffers. Needs /proc; elsewhere there are no samples.
 */
export function watchMemory(pids: { app: number; pooler: number; server: number }): {
  stop(): readonly Memory[]
} {
  const app: number[] = []
  const pooler: number[] = []
  const sessions: number[] = []
  const largest: number[] = []
  const timer = setInterval(() => {
    try {
      app.push(status(pids.app).VmRSS ?? 0)
      pooler.push(status(pids.pooler).VmRSS ?? 0)
      const own = childrenOf(pids.server).map((pid) => status(pid).RssAnon ?? 0)
      sessions.push(own.reduce((sum, each) => sum + each, 0))
      largest.push(Math.max(...own))
    } catch {
      // no /proc, or a process that ended meanwhile
    }
  }, 1_000)
  return {
    stop() {
      clearInterval(timer)
      return [
        { name: 'Node, the application (resident)', samples: app },
        { name: 'PgBouncer (resident)', samples: pooler },
        { name: 'PostgreSQL, all processes (private)', samples: sessions },
        { name: 'PostgreSQL, the largest process (private)', samples: largest },
      ].filter(({ samples }) => samples.length > 0)
    },
  }
}

function status(pid: number): Record<string, number> {
  const lines = readFileSync(`/proc/${pid}/status`, 'utf8').matchAll(/^(\w+):\s+(\d+) kB$/gm)
  return Object.fromEntries(Array.from(lines, ([, name, kB]) => [name, Number(kB) * 1024]))
}

function childrenOf(pid: number): number[] {
  const isChild = (each: string) => {
    try {
      return (
        / \(.*\) \S (\d+) /s.exec(readFileSync(`/proc/${each}/stat`, 'utf8'))?.[1] === String(pid)
      )
    } catch {
      return false
    }
  }
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && isChild(name))
    .map(Number)
}

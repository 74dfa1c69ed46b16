import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** Tells the watchdog what to end, should this process end first. */
export interface Watch {
  /** The process to end, or 0 when there is none. */
  guard(pid: number): void
  /** Nothing is left to end; resolves when the directory is removed. */
  end(): Promise<void>
}

/** Starts a process that ends a server and removes its directory once this process is gone. */
export function watch(directory: string, lock: string): Watch {
  const program = fileURLToPath(new URL('./watchdog.mjs', import.meta.url))
  const watchdog = spawn(process.execPath, [program, directory, lock], {
    // Its own process group: Ctrl-C must not reach it.
    detached: true,
    cwd: '/',
    env: {},
    stdio: ['pipe', 'ignore', 'ignore'],
    windowsHide: true,
  })
  const closed = new Promise<void>((resolve) => {
    watchdog.once('exit', () => resolve())
    watchdog.once('error', () => resolve())
  })
  const { stdin } = watchdog
  // Without a watchdog the server still stops in stop().
  stdin.on('error', () => {})
  watchdog.unref()
  ;(stdin as unknown as { unref(): void }).unref()
  return {
    guard(pid) {
      stdin.write(`${pid}\n`)
    },
    end() {
      watchdog.ref()
      stdin.end()
      return closed
    },
  }
}

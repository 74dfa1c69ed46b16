import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { account } from './account.ts'

/** Runs a program under the server's account. Its output goes to a file: a pipe would keep us alive. */
export function launch(program: string, args: readonly string[], log: string): ChildProcess {
  const output = openSync(log, 'a')
  try {
    return spawn(program, args, {
      ...account,
      cwd: '/',
      // Its own process group: Ctrl-C is for the tests, which then stop the server.
      detached: process.platform !== 'win32',
      env: { ...process.env, LC_ALL: 'C', PGTZ: undefined },
      stdio: ['ignore', output, output],
      windowsHide: true,
    })
  } finally {
    closeSync(output)
  }
}

/** The exit code of a process; null when a signal ended it. */
export function ended(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve, reject) => {
    child.once('exit', resolve)
    child.once('error', reject)
  })
}

/** Waits for a postmaster, which writes its state into the eighth line of its lock file. */
export async function ready(child: ChildProcess, data: string): Promise<boolean> {
  const patience = Date.now() + 60_000
  while (child.exitCode === null && child.signalCode === null && Date.now() < patience) {
    try {
      const lines = readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')
      if (lines[0] === String(child.pid) && lines[7]?.trim() === 'ready') return true
    } catch {
      // not there yet
    }
    await sleep(5)
  }
  child.kill('SIGKILL')
  return false
}

/** A port that nobody listens on at this moment. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}

/** The last lines of a log. */
export function tail(log: string): string {
  return readFileSync(log, 'utf8').trimEnd().split('\n').slice(-8).join('\n')
}

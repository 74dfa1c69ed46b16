import { chmodSync, lstatSync, readdirSync, realpathSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** PostgreSQL refuses to run as root; started by root it runs as nobody. */
export const account = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : undefined

/** Whether the account that PostgreSQL runs under can get to a file or directory. */
export function reachable(path: string): boolean {
  if (!account) return true
  for (let at = realpathSync(path); ; at = dirname(at)) {
    if ((statSync(at).mode & 0o001) === 0) return false
    if (at === dirname(at)) return true
  }
}

/** Lets everybody read a directory tree, and execute what its owner may execute. */
export function openToAll(path: string): void {
  const found = lstatSync(path)
  if (found.isSymbolicLink()) return
  chmodSync(path, found.mode | 0o444 | ((found.mode & 0o100) >> 3) | ((found.mode & 0o100) >> 6))
  if (found.isDirectory()) for (const name of readdirSync(path)) openToAll(join(path, name))
}

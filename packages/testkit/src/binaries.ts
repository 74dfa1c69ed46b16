import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { openToAll, reachable } from './account.ts'

const require = createRequire(import.meta.url)
const platform = process.platform === 'win32' ? 'windows' : process.platform
const suffix = process.platform === 'win32' ? '.exe' : ''

/** The folder of the npm package that holds a version's binaries, if npm has installed it. */
export function binariesOf(version: string): string | undefined {
  try {
    return dirname(dirname(require.resolve(`postgres-${version}-${platform}-${process.arch}`)))
  } catch {
    return undefined
  }
}

/**
 * The path of `initdb`, `pg_ctl` or `postgres` in the folder of an npm package, ready to be executed.
 *
 * @param version For the message, where the package is not there.
 */
export function executable(
  folder: string | undefined,
  program: 'initdb' | 'pg_ctl' | 'postgres',
  version: string,
): string {
  if (!folder) {
    throw new Error(
      `PostgreSQL ${version} for ${platform}-${process.arch} is not installed. ` +
        'Run `npm ci` without --omit=optional, or choose one of installedVersions().',
    )
  }
  return join(usable(folder), 'native', 'bin', program + suffix)
}

function usable(folder: string): string {
  const inPlace = reachable(join(folder, 'native', 'bin', `postgres${suffix}`))
  if (inPlace && link(folder)) return folder
  return copied(folder)
}

// npm packages cannot hold symbolic links: the package lists them and makes them in a postinstall
// script, which `ignore-scripts` skips.
function link(folder: string): boolean {
  const list = join(folder, 'native', 'pg-symlinks.json')
  if (!existsSync(list)) return true
  const links: { source: string; target: string }[] = JSON.parse(readFileSync(list, 'utf8'))
  for (const { source, target } of links) {
    const path = join(folder, target)
    if (lstatSync(path, { throwIfNoEntry: false })) continue
    try {
      symlinkSync(relative(dirname(path), join(folder, source)), path)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      // EEXIST: another process was faster.
      if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') return false
      if (code !== 'EEXIST') throw error
    }
  }
  return true
}

function copied(folder: string): string {
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  const uid = process.getuid?.() ?? 0
  const cache = join(temporary(), `auditrum-binaries-${uid}`)
  mkdirSync(cache, { recursive: true, mode: 0o755 })
  // Whoever owns the folder decides what is executed.
  if (statSync(cache).uid !== uid) {
    throw new Error(`${cache} belongs to somebody else. Remove it, or point TMPDIR elsewhere.`)
  }
  const copy = join(cache, version)
  if (existsSync(copy)) return copy
  const draft = `${copy}.${process.pid}`
  cpSync(folder, draft, { recursive: true, verbatimSymlinks: true })
  link(draft)
  openToAll(draft)
  try {
    renameSync(draft, copy)
  } catch (error) {
    rmSync(draft, { recursive: true, force: true })
    if (!existsSync(copy)) throw error
  }
  return copy
}

/** The system's folder for temporary files, or `/tmp` where the server's account cannot reach it. */
export function temporary(): string {
  return reachable(tmpdir()) ? tmpdir() : '/tmp'
}

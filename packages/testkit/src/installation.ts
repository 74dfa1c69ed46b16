import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../../', import.meta.url))

/** A folder of its own in which packages are installed. */
export interface Installation {
  /** Loads a package as an application in that folder would. */
  require(name: string): unknown
  /** Deletes the folder. */
  remove(): void
}

/**
 * Installs what was built of this repository's packages in a folder of their own, in a version: as
 * npm does where the packages of an application ask for different versions of one of them.
 *
 * @param names Folders of `packages/`, those that they depend on included.
 */
export function install(version: string, names: readonly string[]): Installation {
  const folder = mkdtempSync(join(tmpdir(), 'auditrum-installation-'))
  const modules = join(folder, 'node_modules')
  mkdirSync(modules)
  for (const name of names) {
    const source = join(root, 'packages', name)
    const target = join(modules, '@auditrum', name)
    cpSync(join(source, 'dist'), join(target, 'dist'), { recursive: true })
    const manifest = readFileSync(join(source, 'package.json'), 'utf8')
    writeFileSync(join(target, 'package.json'), manifest.replaceAll('"0.0.0"', `"${version}"`))
    const { dependencies, peerDependencies } = JSON.parse(manifest)
    for (const other of Object.keys({ ...dependencies, ...peerDependencies })) {
      const path = join(modules, other)
      if (other.includes('/') || existsSync(path)) continue
      symlinkSync(join(root, 'node_modules', other), path)
    }
  }
  return {
    require: createRequire(join(folder, 'index.js')),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

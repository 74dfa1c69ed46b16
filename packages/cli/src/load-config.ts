import { existsSync, statSync } from 'node:fs'
import { dirname, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { UsageError } from '@auditrum/core'
import { createJiti } from 'jiti'
import { lilconfig } from 'lilconfig'
import { type CheckedConfig, checkConfig } from './check-config.js'

const names = ['ts', 'mts', 'js', 'mjs', 'json'].map((extension) => `auditrum.config.${extension}`)

// As it is: what has no default export is none. What a configuration imports as `auditrum` is this very package, also where npx brought it.
const jiti = createJiti(import.meta.url, {
  interopDefault: false,
  alias: { auditrum: fileURLToPath(new URL('./index.mjs', import.meta.url)) },
})

/** Reads TypeScript and JavaScript of any kind, on every Node. */
export function load(file: string): Promise<unknown> {
  return jiti.import(file)
}

/** A configuration, and the folder that its globs begin at. */
export interface FoundConfig extends CheckedConfig {
  readonly folder: string
  /** The file, from the working directory; undefined where there is none. */
  readonly file: string | undefined
}

/**
 * The configuration that is named, or the nearest one from the working directory upwards.
 *
 * @throws UsageError where it is not there, cannot be read, or says what is unknown.
 */
export async function loadConfig(named: string | undefined): Promise<FoundConfig> {
  if (named !== undefined && !existsSync(named)) {
    throw new UsageError(`There is no file ${named}. Give --config the path of a configuration.`)
  }
  const loader = (file: string) => load(file).then((loaded) => defaultOf(file, loaded))
  const search = lilconfig('auditrum', {
    searchPlaces: names,
    loaders: { '.ts': loader, '.mts': loader, '.js': loader, '.mjs': loader },
    stopDir: resolve('/'),
  })
  const found = await (named === undefined ? search.search() : search.load(resolve(named))).catch(
    (error: unknown) => {
      const file = named ?? 'The configuration'
      if (error instanceof UsageError) throw error
      // a second line says where
      const message =
        error instanceof Error ? error.message.split('\n', 2).join(' ').trim() : String(error)
      throw new UsageError(
        `${file} cannot be read: ${message}. Mend it, or name another with --config.`,
        { cause: error },
      )
    },
  )
  if (!found) return { tables: [], folder: process.cwd(), file: undefined }
  const file = relative(process.cwd(), found.filepath)
  if (named === undefined && isForeign(found.filepath)) {
    throw new UsageError(
      `${found.filepath} belongs to somebody else, and would be run. Name it with --config if it is to be.`,
    )
  }
  return { ...checkConfig(file, await found.config), folder: dirname(found.filepath), file }
}

/** Whether a file above the working directory is neither ours, nor of who owns that, nor the system's. */
function isForeign(file: string): boolean {
  const own = process.getuid?.()
  if (own === undefined || dirname(file) === process.cwd()) return false
  return ![own, 0, statSync('.').uid].includes(statSync(file).uid)
}

function defaultOf(file: string, loaded: unknown): unknown {
  const value = (loaded as { readonly default?: unknown } | null)?.default
  if (value !== undefined) return value
  throw new UsageError(
    `${relative(process.cwd(), file)} has no default export. Write export default defineConfig({ … }), or module.exports = { … }.`,
  )
}

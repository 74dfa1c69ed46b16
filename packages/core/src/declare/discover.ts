import { createRequire } from 'node:module'
import { relative, sep } from 'node:path'
import { pathToFileURL } from 'node:url'
import { glob } from 'tinyglobby'
import { DeclarationError } from '../errors.js'
import { show } from '../options.js'

/**
 * The files that match, in a stable order.
 *
 * @param patterns Globs, from the working directory.
 * @throws DeclarationError where nothing matches: a program that was moved would else go on without
 *   its declarations.
 */
export async function declarationFiles(
  patterns: string | readonly string[],
): Promise<readonly string[]> {
  const list = typeof patterns === 'string' ? [patterns] : patterns
  if (!Array.isArray(list) || !list.every((each) => typeof each === 'string' && each !== '')) {
    throw new DeclarationError(
      `discover was given ${show(patterns)}. Give a glob such as 'src/**/audit.{ts,js}', or a list of them.`,
    )
  }
  const found = await glob([...list], { absolute: true, ignore: ['**/node_modules/**'] })
  // which is not ignored where a pattern leads out of the working directory
  const files = found.filter((file) => !relative('.', file).split(sep).includes('node_modules'))
  if (files.length === 0) {
    throw new DeclarationError(
      `discover found no file for ${show(list)} in ${process.cwd()}. Mind where the program is started, and where its files are when they are compiled.`,
    )
  }
  return files.toSorted()
}

/**
 * What such a file exports as its default: a function to be called with the audit, or declarations.
 *
 * @throws DeclarationError that names the file, when it cannot be loaded.
 */
export async function loadDeclarations(
  file: string,
  load: (file: string) => Promise<unknown> = importFile,
): Promise<unknown> {
  let loaded: unknown
  try {
    loaded = await load(file)
  } catch (error) {
    throw brokenFile(file, error)
  }
  // what was CommonJS, or was compiled to it, has its default inside
  for (let depth = 0; depth < 2 && isModule(loaded); depth++) loaded = loaded.default
  return loaded
}

/** The error of a file, with its name. */
export function brokenFile(file: string, error: unknown): DeclarationError {
  const what = error instanceof Error ? error.message : String(error)
  const remedy =
    (error as { code?: unknown } | null)?.code === 'ERR_UNKNOWN_FILE_EXTENSION'
      ? 'Node cannot read it: start the program with NODE_OPTIONS="--import tsx", or let the glob find what is compiled'
      : 'Mend it: its default export is a function (audit) => void, or a list of track(…)'
  return new DeclarationError(
    `${relative(process.cwd(), file)} cannot be read: ${what.split('\n')[0]}. ${remedy}.`,
    { cause: error },
  )
}

function importFile(file: string): Promise<unknown> {
  return import(pathToFileURL(file).href).catch((error: unknown) => {
    // Jest imports nothing without a flag
    if ((error as { code?: unknown }).code !== 'ERR_VM_DYNAMIC_IMPORT_CALLBACK_MISSING_FLAG') {
      throw error
    }
    return createRequire(file)(file)
  })
}

function isModule(value: unknown): value is { readonly default: unknown } {
  return typeof value === 'object' && value !== null && 'default' in value
}

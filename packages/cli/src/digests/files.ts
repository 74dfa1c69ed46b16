import {
  constants,
  copyFile,
  link,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { type DigestPlace, type KeptDigest, newestName, PlaceError } from './place.js'

/** A folder with a file for each digest, none of which is ever written again. */
export function folder(path: string): DigestPlace {
  return {
    newest: (key) =>
      told(path, async () => {
        const name = newestName(await readdir(path).catch(none<string[]>([])), key)
        return name === undefined ? undefined : kept(join(path, name))
      }),
    keep: (name, text) =>
      told(path, async () => {
        await mkdir(path, { recursive: true })
        await written(join(path, name), text, put)
        return join(path, name)
      }),
  }
}

/** One file, which holds the newest digest. */
export function file(path: string): DigestPlace {
  return {
    newest: () => told(path, () => kept(path).catch(none(undefined))),
    keep: (_, text) =>
      told(path, async () => {
        await written(path, text, rename)
        return path
      }),
  }
}

/** A path is a folder where it is one, or ends as one. */
export async function isFolder(path: string): Promise<boolean> {
  if (/[/\\]$/.test(path)) return true
  const found = await stat(path).catch(none(undefined))
  return found?.isDirectory() === true
}

async function kept(path: string): Promise<KeptDigest> {
  return { name: path, text: await readFile(path, 'utf8') }
}

/** Where nothing is; also on a file system that has no links. */
async function put(from: string, to: string): Promise<void> {
  try {
    await link(from, to)
  } catch (error) {
    if (!/^(EPERM|ENOSYS|ENOTSUP|EOPNOTSUPP)$/.test(codeOf(error) ?? '')) throw error
    await copyFile(from, to, constants.COPYFILE_EXCL)
  }
}

/** Whole or not at all: under another name first. */
async function written(
  path: string,
  text: string,
  publish: (from: string, to: string) => Promise<void>,
): Promise<void> {
  const draft = join(dirname(path), `.${basename(path)}.${process.pid}`)
  try {
    await writeFile(draft, text, { flush: true })
    await publish(draft, path)
  } catch (error) {
    // the very digest, kept before
    if (codeOf(error) !== 'EEXIST') throw error
  } finally {
    await rm(draft, { force: true })
  }
}

function none<T>(instead: T): (error: unknown) => T {
  return (error) => {
    if (codeOf(error) === 'ENOENT') return instead
    throw error
  }
}

async function told<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    if (codeOf(cause) === undefined) throw cause
    throw new PlaceError(
      `Digests cannot be kept in ${path}: ${(cause as Error).message}. Give --to a folder or file that may be written.`,
      { cause },
    )
  }
}

function codeOf(error: unknown): string | undefined {
  const { code } = Object(error) as NodeJS.ErrnoException
  return typeof code === 'string' && /^E[A-Z]+$/.test(code) ? code : undefined
}

import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { UsageError } from '@auditrum/core'
import type { KeptDigest } from './place.js'
import { hiddenIn, isBucket, openBucket } from './s3.js'

/** The digests in files, and in folders and buckets of them. */
export async function readDigests(
  places: readonly string[],
  warn: (message: string) => void,
): Promise<readonly KeptDigest[]> {
  const found: KeptDigest[] = []
  for (const place of places) {
    const digests = isBucket(place)
      ? await inBucket(place, warn)
      : (await stat(place)).isDirectory()
        ? await inFolder(place)
        : [await inFile(place)]
    if (digests.length === 0) {
      throw new UsageError(
        `${place} holds no digest. Give one that auditrum digest --to has filled.`,
      )
    }
    found.push(...digests)
  }
  return found
}

async function inFile(path: string): Promise<KeptDigest> {
  return { name: path, text: await readFile(path, 'utf8') }
}

async function inFolder(path: string): Promise<readonly KeptDigest[]> {
  const names = (await readdir(path)).filter((name) => name.endsWith('.digest')).sort()
  const found: KeptDigest[] = []
  for (const name of names) found.push(await inFile(join(path, name)))
  return found
}

/** So many objects at a time. */
const AT_ONCE = 16

async function inBucket(
  url: string,
  warn: (message: string) => void,
): Promise<readonly KeptDigest[]> {
  const bucket = await openBucket(url)
  const { digests, hidden } = await bucket.list()
  if (hidden) warn(hiddenIn(url))
  const found: KeptDigest[] = []
  for (let start = 0; start < digests.length; start += AT_ONCE) {
    const some = digests.slice(start, start + AT_ONCE)
    found.push(
      ...(await Promise.all(
        some.map(async (one) => ({
          name: `${bucket.url}${one.name}`,
          text: await bucket.read(one),
        })),
      )),
    )
  }
  return found
}

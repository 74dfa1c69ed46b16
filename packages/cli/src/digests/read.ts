import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { UsageError } from '@auditrum/core'
import type { KeptDigest } from './place.js'

/** The digests in files, and in folders of them. */
export async function readDigests(places: readonly string[]): Promise<readonly KeptDigest[]> {
  const found: KeptDigest[] = []
  for (const place of places) {
    const isFolder = (await stat(place)).isDirectory()
    const names = isFolder
      ? (await readdir(place)).filter((name) => name.endsWith('.digest')).sort()
      : [undefined]
    if (names.length === 0) {
      throw new UsageError(
        `The folder ${place} holds no digest. Give one that auditrum digest --to has filled.`,
      )
    }
    for (const name of names) {
      const path = name === undefined ? place : join(place, name)
      found.push({ name: path, text: await readFile(path, 'utf8') })
    }
  }
  return found
}

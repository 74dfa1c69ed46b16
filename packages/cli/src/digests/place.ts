import { createPublicKey, hash } from 'node:crypto'
import { UsageError, verifyDigest } from '@auditrum/core'

/** Where digests are kept. */
export interface DigestPlace {
  /**
   * The newest that is kept; undefined where there is none, or none may be read.
   *
   * @param key whose digest is taken of several of the same size, as {@link keyName} calls it.
   */
  newest(key: string): Promise<KeptDigest | undefined>
  /**
   * Keeps a digest under a name of its own. One that is kept under it already stays as it is.
   *
   * @returns where it lies.
   */
  keep(name: string, text: string): Promise<string>
}

/** A digest, and where it lies. */
export interface KeptDigest {
  readonly name: string
  readonly text: string
}

/** That a digest could not be kept, or read back: the next time it may do. */
export class PlaceError extends UsageError {}

/** What a key is called in names: the beginning of the SHA-256 of its public half, as DER. */
export function keyName(publicKey: string): string {
  const der = createPublicKey(publicKey).export({ type: 'spki', format: 'der' })
  return hash('sha256', der, 'hex').slice(0, 8)
}

/**
 * The same size and key are the same name, unless the chain was rewritten; sorted, the newest is the last.
 *
 * @param publicKey of the key that signed it.
 */
export function digestName(text: string, publicKey: string): string {
  const { size, root } = verifyDigest(text, publicKey)
  const start = Buffer.from(root, 'base64').toString('hex', 0, 6)
  return `${String(size).padStart(12, '0')}-${start}-${keyName(publicKey)}.digest`
}

/** Whether a name is one of {@link digestName}; older ones do not tell the key. */
export function isDigestName(name: string): boolean {
  return /^\d{12,16}-[0-9a-f]{12}(-[0-9a-f]{8})?\.digest$/.test(name)
}

/** The last of such names. */
export function newestName(names: readonly string[], key: string): string | undefined {
  const isOwn = (name: string) => name.endsWith(`-${key}.digest`)
  return names
    .filter(isDigestName)
    .sort((one, other) => sizeIn(one) - sizeIn(other) || Number(isOwn(one)) - Number(isOwn(other)))
    .at(-1)
}

function sizeIn(name: string): number {
  return Number.parseInt(name, 10)
}

import { UsageError, verifyDigest } from '@auditrum/core'

/** Where digests are kept. */
export interface DigestPlace {
  /** The newest that is kept; undefined where there is none, or none may be read. */
  newest(): Promise<KeptDigest | undefined>
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

/** The same size is the same name, unless the chain was rewritten; sorted, the newest is the last. */
export function digestName(text: string, publicKey: string): string {
  const { size, root } = verifyDigest(text, publicKey)
  const start = Buffer.from(root, 'base64').toString('hex', 0, 6)
  return `${String(size).padStart(12, '0')}-${start}.digest`
}

/** The last of such names. */
export function newestName(names: readonly string[]): string | undefined {
  return names
    .filter((name) => /^\d{12,16}-[0-9a-f]{12}\.digest$/.test(name))
    .sort(bySize)
    .at(-1)
}

function bySize(one: string, other: string): number {
  return Number.parseInt(one, 10) - Number.parseInt(other, 10)
}

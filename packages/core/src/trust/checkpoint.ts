import type { KeyObject } from 'node:crypto'
import { UsageError } from '../errors.js'
import { show } from '../options.js'
import { isLog } from './entry.js'
import { readPublicKeys } from './keys.js'
import { HASH_BYTES } from './merkle.js'
import { openNote, parseNote, signNote, verifierKeyOf } from './note.js'

/** What a digest says: all that was sealed, in one hash. */
export interface Digest {
  /** Which log, as its first line names it: `auditrum/` and the log's uuid. */
  readonly origin: string
  /** The log's uuid. */
  readonly log: string
  /** How many entries the chain had. */
  readonly size: number
  /** The root of the Merkle tree over them (RFC 6962), in base64. */
  readonly root: string
}

const prefix = 'auditrum/'

/** A digest as a text: a checkpoint (https://c2sp.org/tlog-checkpoint), signed by the log's own name. */
export function signDigest(
  { log, size, root }: { readonly log: string; readonly size: number; readonly root: Buffer },
  key: KeyObject,
): string {
  const origin = `${prefix}${log}`
  return signNote(`${origin}\n${size}\n${root.toString('base64')}\n`, origin, key)
}

/**
 * What a digest says, once its signature is verified. Needs no database.
 *
 * @param text the digest, as `digest` gave it.
 * @param publicKey PEM; several in one text where keys were changed.
 * @throws IntegrityError where none of these keys has signed it, or not this text.
 * @throws UsageError where it is no digest.
 * @example
 * ```ts
 * const { log, size, root } = verifyDigest(readFileSync('log.digest', 'utf8'), publicKey)
 * ```
 */
export function verifyDigest(text: string, publicKey: string): Digest {
  const keys = readPublicKeys(publicKey)
  const digest = parseDigest(text)
  openNote(text, digest.origin, keys)
  return digest
}

/** What a digest says, whoever signed it. */
export function parseDigest(text: unknown): Digest {
  const [origin = '', size = '', root = '', ...others] = parseNote(text).text.split('\n')
  const log = origin.startsWith(prefix) ? origin.slice(prefix.length) : ''
  if (!isLog(log)) {
    throw noDigest(`its first line is ${show(origin)}, and not the name of a log`)
  }
  if (!/^(0|[1-9]\d*)$/.test(size) || !Number.isSafeInteger(Number(size))) {
    throw noDigest(`its second line is ${show(size)}, and not a number of entries`)
  }
  const bytes = Buffer.from(root, 'base64')
  if (bytes.length !== HASH_BYTES || bytes.toString('base64') !== root) {
    throw noDigest(`its third line is ${show(root)}, and not a hash`)
  }
  // lines that others may have added before they signed it; the last is what follows the line feed
  if (others.pop() !== '' || others.includes('')) throw noDigest('it has an empty line')
  return { origin, log, size: Number(size), root }
}

/**
 * The public key of a digest in the notation that tools for signed notes take, such as Go's
 * `golang.org/x/mod/sumdb/note`.
 *
 * @param digest any digest of the log.
 * @param publicKey PEM, of one key.
 * @throws UsageError where one of them is none.
 * @example
 * ```ts
 * verifierKey(digest, publicKey) // auditrum/…+530d903a+AekyeRrm56h…
 * ```
 */
export function verifierKey(digest: string, publicKey: string): string {
  const [key, ...others] = readPublicKeys(publicKey)
  if (key === undefined || others.length > 0) {
    throw new UsageError('The text has several public keys. Give one at a time.')
  }
  return verifierKeyOf(parseDigest(digest).origin, key)
}

function noDigest(why: string): UsageError {
  return new UsageError(
    `This signed note is no digest of a log: ${why}. Give a digest as it was printed.`,
  )
}

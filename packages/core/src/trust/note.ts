import { hash, type KeyObject, sign, verify } from 'node:crypto'
import { IntegrityError, UsageError } from '../errors.js'
import { show } from '../options.js'
import { publicBytes } from './keys.js'

/** A text and its signatures, as https://c2sp.org/signed-note defines them. */
export interface Note {
  /** With the line feed at its end. */
  readonly text: string
  readonly signatures: readonly NoteSignature[]
}

interface NoteSignature {
  readonly name: string
  /** The key's id: eight hexadecimal digits. */
  readonly keyId: string
  readonly signature: Buffer
}

/** Far above the 16 signatures that must be accepted. */
const MOST_SIGNATURES = 100
const MOST_BYTES = 1_000_000
/** The type of a signature and of a key. */
const ED25519 = 1

/** What the key of that name is known by in a note. */
export function keyIdOf(name: string, key: KeyObject): string {
  const parts = [Buffer.from(`${name}\n`), Buffer.of(ED25519), publicBytes(key)]
  return hash('sha256', Buffer.concat(parts), 'hex').slice(0, 8)
}

/** A public key in the notation of signed notes, which their tools take: `name+id+base64`. */
export function verifierKeyOf(name: string, key: KeyObject): string {
  checkName(name)
  const encoded = Buffer.concat([Buffer.of(ED25519), publicBytes(key)]).toString('base64')
  return `${name}+${keyIdOf(name, key)}+${encoded}`
}

/** Signs a text, which ends with a line feed, in the name of a key. */
export function signNote(text: string, name: string, key: KeyObject): string {
  checkName(name)
  if (!text.endsWith('\n')) throw malformed('its text does not end with a line feed')
  checkCharacters(text)
  const signature = Buffer.concat([
    Buffer.from(keyIdOf(name, key), 'hex'),
    sign(null, Buffer.from(text), key),
  ])
  return `${text}\n— ${name} ${signature.toString('base64')}\n`
}

/**
 * Takes a note apart, and verifies nothing.
 *
 * @throws UsageError where it is none.
 */
export function parseNote(note: unknown): Note {
  if (typeof note !== 'string') {
    throw new UsageError(`${show(note)} is no signed note. Give its text.`)
  }
  if (Buffer.byteLength(note) > MOST_BYTES) throw malformed(`it has more than ${MOST_BYTES} bytes`)
  checkCharacters(note)
  // the last empty line: the text may have others
  const end = note.lastIndexOf('\n\n')
  if (end === -1) throw malformed('no empty line precedes its signatures')
  const lines = note.slice(end + 2).split('\n')
  if (lines.pop() !== '') throw malformed('it does not end with a line feed')
  if (lines.length === 0) throw malformed('it has no signature')
  if (lines.length > MOST_SIGNATURES) throw malformed(`it has over ${MOST_SIGNATURES} signatures`)
  return { text: note.slice(0, end + 1), signatures: lines.map(parseSignature) }
}

/**
 * The text of a note that one of these keys has signed. Other signatures are ignored, as those of
 * witnesses; one of these keys that does not verify is not, whatever the others say.
 *
 * @throws UsageError where it is no note.
 * @throws IntegrityError where no key of these has signed it, or not this text.
 */
export function openNote(note: unknown, name: string, keys: readonly KeyObject[]): string {
  const { text, signatures } = parseNote(note)
  const known = new Map(keys.map((key) => [keyIdOf(name, key), key]))
  let isSigned = false
  for (const one of signatures) {
    const key = one.name === name ? known.get(one.keyId) : undefined
    if (key === undefined) continue
    if (!verify(null, Buffer.from(text), key, one.signature)) {
      throw new IntegrityError(
        `The signature of ${name} does not fit the text: one of them was changed since. Get the note again from where it is kept.`,
      )
    }
    isSigned = true
  }
  if (isSigned) return text
  const signers = signatures.map((one) => `${one.name} (key ${one.keyId})`).join(', ')
  throw new IntegrityError(
    `It is signed by ${signers}, not by ${name} with ${[...known.keys()].map((id) => `key ${id}`).join(' or ')}. Give the public key of who signed it, if you trust that one.`,
  )
}

function parseSignature(line: string): NoteSignature {
  const [, name = '', encoded = ''] = /^— (\S+) (\S+)$/u.exec(line) ?? []
  const bytes = Buffer.from(encoded, 'base64')
  // what decodes to the same bytes is another text
  const isExact = bytes.toString('base64') === encoded
  if (!isKeyName(name) || !isExact || bytes.length < 5) {
    throw malformed(`${show(line)} is no line of a signature`)
  }
  return { name, keyId: bytes.toString('hex', 0, 4), signature: bytes.subarray(4) }
}

function checkCharacters(text: string): void {
  if (text.includes('\r')) {
    throw new UsageError(
      'This is no signed note any more: its lines end as those of Windows, something has changed it on its way. Give it as it was printed, or take these line ends back: tr -d "\\r" < FILE.',
    )
  }
  // control characters of ASCII, but for the line feed
  const found = /(?![\n\u{7f}-\u{9f}])\p{Cc}/u.exec(text)?.[0]
  if (found !== undefined) throw malformed(`it contains ${show(found)}`)
  if (/\p{Surrogate}/u.test(text)) throw malformed('it is not Unicode')
}

function isKeyName(name: string): boolean {
  return name !== '' && !/[\p{White_Space}+]|\p{Surrogate}/u.test(name)
}

function checkName(name: string): void {
  if (isKeyName(name)) return
  throw new UsageError(
    `${show(name)} cannot be the name of a key in a signed note. Give one without spaces and "+".`,
  )
}

function malformed(why: string): UsageError {
  return new UsageError(
    `This is no signed note: ${why}. Give a digest as it was printed, to the byte.`,
  )
}

import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import { UsageError } from '../errors.js'

/**
 * The private key of a PEM text (PKCS #8, Ed25519). Nothing of the text is ever repeated in a message.
 *
 * @throws UsageError where it is another kind of key, encrypted, or none.
 */
export function readPrivateKey(pem: unknown): KeyObject {
  const text = typeof pem === 'string' ? pem : ''
  if (/BEGIN ENCRYPTED PRIVATE KEY|Proc-Type: 4,ENCRYPTED/.test(text)) {
    throw new UsageError(
      'The private key is encrypted, and there is nobody here to ask for its passphrase. Decrypt it where it is used, as by: openssl pkey -in key.pem | auditrum digest --key /dev/stdin.',
    )
  }
  if (/BEGIN PUBLIC KEY/.test(text) && !/PRIVATE KEY/.test(text)) {
    throw new UsageError(
      'A public key was given to sign with. Give the private one, which begins with -----BEGIN PRIVATE KEY-----.',
    )
  }
  if (!/-----BEGIN PRIVATE KEY-----/.test(text)) throw noKey('private')
  return ofEd25519('private', () => createPrivateKey(text))
}

const publicBlock = /-----BEGIN PUBLIC KEY-----[\s\S]*?-----END PUBLIC KEY-----/g

/**
 * The public keys of a PEM text (SPKI, Ed25519): one, or after a change of keys all that were in use.
 *
 * @throws UsageError where one is of another kind, or where the text has none.
 */
export function readPublicKeys(pem: unknown): readonly KeyObject[] {
  const text = typeof pem === 'string' ? pem : ''
  if (/PRIVATE KEY/.test(text)) {
    throw new UsageError(
      'A private key was given to verify with: whoever has it can sign whatever he likes. Give the public one, which openssl pkey -in key.pem -pubout prints, and keep the other to yourself.',
    )
  }
  const blocks = text.match(publicBlock)
  if (blocks === null) throw noKey('public')
  return blocks.map((block) => ofEd25519('public', () => createPublicKey(block)))
}

/** The public half of a private key, both as PEM. */
export function publicKeyOf(pem: unknown): string {
  return String(createPublicKey(readPrivateKey(pem)).export({ format: 'pem', type: 'spki' }))
}

/** The 32 bytes of a key's public half (RFC 8032, 5.1.5). */
export function publicBytes(key: KeyObject): Buffer {
  const { x = '' } = (key.type === 'private' ? createPublicKey(key) : key).export({ format: 'jwk' })
  return Buffer.from(x, 'base64url')
}

type Kind = 'private' | 'public'

function ofEd25519(kind: Kind, read: () => KeyObject): KeyObject {
  let key: KeyObject
  try {
    key = read()
  } catch (cause) {
    throw noKey(kind, cause)
  }
  if (key.asymmetricKeyType === 'ed25519') return key
  throw new UsageError(
    `The ${kind} key is one for ${key.asymmetricKeyType}, and digests are signed with Ed25519. ${remedies[kind]}`,
  )
}

function noKey(kind: Kind, cause?: unknown): UsageError {
  return new UsageError(
    `What was given as the ${kind} key is no PEM text of one. ${remedies[kind]}`,
    { cause },
  )
}

const remedies = {
  private: 'Make one by: openssl genpkey -algorithm ed25519 -out key.pem.',
  public: 'Give what this prints: openssl pkey -in key.pem -pubout.',
}

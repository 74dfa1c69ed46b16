import { generateKeyPairSync } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { UsageError } from '@auditrum/core'

/** Makes a private key, which nobody else on this machine may read. Gives the public one, as PEM. */
export async function newKey(path: string): Promise<string> {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519', {
    privateKeyEncoding: { format: 'pem', type: 'pkcs8' },
    publicKeyEncoding: { format: 'pem', type: 'spki' },
  })
  try {
    await writeFile(path, privateKey, { flag: 'wx', mode: 0o600 })
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause
    throw new UsageError(
      `${path} is there already, and a key that signed digests must not be lost. Give another name.`,
      { cause },
    )
  }
  return publicKey
}

/** The private key: of a file, or as it stands in AUDITRUM_DIGEST_KEY. */
export async function digestKey(path: string | undefined): Promise<string> {
  if (path !== undefined) return readFile(path, 'utf8')
  const { AUDITRUM_DIGEST_KEY } = process.env
  if (AUDITRUM_DIGEST_KEY) return AUDITRUM_DIGEST_KEY
  throw new UsageError(
    'A digest is signed, and there is no key. Give --key FILE, or its text in AUDITRUM_DIGEST_KEY; auditrum digest --new-key FILE makes one.',
  )
}

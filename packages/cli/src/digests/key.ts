import { generateKeyPairSync } from 'node:crypto'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { UsageError } from '@auditrum/core'

/** The two files of a key. */
export interface KeyFiles {
  readonly privateKey: string
  readonly publicKey: string
}

/**
 * Makes a private key, which nobody else on this machine may read, and the public one beside it: both
 * or none, and neither over another file.
 *
 * @param path of the private key; the public one has `.pub` in the place of `.pem`, or behind it.
 */
export async function newKey(path: string): Promise<KeyFiles> {
  const beside = `${path.replace(/\.pem$/, '')}.pub`
  const pair = generateKeyPairSync('ed25519', {
    privateKeyEncoding: { format: 'pem', type: 'pkcs8' },
    publicKeyEncoding: { format: 'pem', type: 'spki' },
  })
  await writeNew(path, pair.privateKey, 0o600)
  try {
    await writeNew(beside, pair.publicKey, 0o644)
  } catch (error) {
    // it has signed nothing yet
    await rm(path, { force: true })
    throw error
  }
  return { privateKey: path, publicKey: beside }
}

async function writeNew(path: string, text: string, mode: number): Promise<void> {
  try {
    await writeFile(path, text, { flag: 'wx', mode })
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause
    throw new UsageError(
      `${path} is there already, and a key that digests were signed with must not be lost. Give another name; no key was made. The public half of a private key is what openssl pkey -in FILE -pubout prints.`,
      { cause },
    )
  }
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

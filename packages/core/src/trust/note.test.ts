import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { parseDigest, signDigest, verifierKey, verifyDigest } from './checkpoint.js'
import { readPrivateKey, readPublicKeys } from './keys.js'
import { keyIdOf, openNote, parseNote, signNote, verifierKeyOf } from './note.js'

/** The examples of the specification, and of Go's golang.org/x/mod/sumdb/note. */
const published = [
  {
    verifier: 'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k',
    text: 'This is an example message.\n',
    signature:
      '— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n',
  },
  {
    verifier: 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW',
    signer: 'AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz',
    text: "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n",
    signature:
      '— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n',
  },
] as const

const [spec, go] = published

test.for(published)('the published note of $verifier is read', ({ verifier, text, signature }) => {
  const { name, id, key } = publishedKey(verifier)
  expect(keyIdOf(name, key)).toBe(id)
  expect(verifierKeyOf(name, key)).toBe(verifier)
  expect(openNote(`${text}\n${signature}`, name, [key])).toBe(text)
  const edited = `${text.replace('e', 'E')}\n${signature}`
  expect(() => openNote(edited, name, [key])).toThrow('does not fit the text')
})

test('a published note is written to the byte', () => {
  const seed = Buffer.from(go.signer, 'base64').subarray(1)
  const key = createPrivateKey({
    key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]),
    format: 'der',
    type: 'pkcs8',
  })
  expect(signNote(go.text, 'PeterNeumann', key)).toBe(`${go.text}\n${go.signature}`)
})

describe('a note', () => {
  const { name, key } = publishedKey(spec.verifier)
  const note = `${spec.text}\n${spec.signature}`
  const other = publishedKey(go.verifier)

  test('may have signatures of others, before and behind', () => {
    const witness = go.signature.replace('PeterNeumann', 'witness.example/ü')
    const many = `${spec.text}\n${witness.repeat(20)}${spec.signature}${witness}`
    expect(openNote(many, name, [key])).toBe(spec.text)
    expect(parseNote(many).signatures).toHaveLength(22)
  })

  test('needs a signature of a key that is trusted, in its own name', () => {
    expect(() => openNote(note, name, [other.key])).toThrow('not by example.com/foo with key')
    expect(() => openNote(note, 'example.com/bar', [key])).toThrow('not by example.com/bar')
    expect(openNote(note, name, [other.key, key])).toBe(spec.text)
  })

  test('is refused for one wrong signature of a trusted key beside a right one', () => {
    const wrong = Buffer.from(spec.signature.split(' ')[2] ?? '', 'base64')
    wrong[40] = (wrong[40] ?? 0) ^ 1
    const both = `${note}— ${name} ${wrong.toString('base64')}\n`
    expect(() => openNote(both, name, [key])).toThrow('does not fit the text')
  })

  test('has as its text what precedes the last empty line', () => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519')
    const text = 'one\n\n— two\n\nthree ü\n'
    expect(openNote(signNote(text, 'a/b', privateKey), 'a/b', [publicKey])).toBe(text)
  })

  test.for([
    ['no text', undefined],
    ['no signature', spec.text],
    ['no empty line', `${spec.text}${spec.signature}`],
    ['an empty line at its end', `${note}\n`],
    ['no line feed at its end', note.slice(0, -1)],
    ['lines of Windows', note.replaceAll('\n', '\r\n')],
    ['a control character', note.replace('message', 'mess\tage')],
    ['one behind another', note.replace('message', 'mess\u007fa\0ge')],
    ['half a character', note.replace('message', 'mess\ud800age')],
    ['a hyphen', note.replace('—', '-')],
    ['no name', note.replace('example.com/foo ', '')],
    ['two spaces', note.replace('foo ', 'foo  ')],
    ['a space in a name', note.replace('example.com/foo', 'example\u2003foo')],
    ['a plus in a name', note.replace('example.com/foo', 'example+foo')],
    ['another base64', note.replace('QM=', 'QN=')],
    ['base64 without padding', note.replace('QM=', 'QM')],
    ['base64 of URLs', `${go.text}\n${go.signature.replaceAll('/', '_')}`],
    ['nothing but an id', `${spec.text}\n— example.com/foo Uw2QOg==\n`],
    ['something behind the signature', note.replace('QM=', 'QM= more')],
    ['one malformed line among others', `${note}— nobody\n`],
    ['too many signatures', `${spec.text}\n${spec.signature.repeat(101)}`],
    ['too large a text', `${'x'.repeat(1_000_000)}\n${note}`],
  ] as const)('is none with %s', ([, text]) => {
    expect(() => parseNote(text)).toThrow(/This is no signed note|undefined is no signed note/)
  })
})

describe('a digest', () => {
  const log = '0b7c4a0e-8e0f-4b2a-9a53-6f1d3a5d2c10'
  const root = Buffer.alloc(32, 7)
  const pair = generateKeyPairSync('ed25519')
  const pem = pair.publicKey.export({ format: 'pem', type: 'spki' }) as string
  const text = signDigest({ log, size: 12, root }, pair.privateKey)
  const signed = (body: string) => signNote(body, `auditrum/${log}`, pair.privateKey)

  test('is a checkpoint of three lines', () => {
    expect(text.split('\n\n')[0]).toBe(`auditrum/${log}\n12\n${root.toString('base64')}`)
    const digest = { origin: `auditrum/${log}`, log, size: 12, root: root.toString('base64') }
    expect(verifyDigest(text, pem)).toEqual(digest)
    expect(openNote(text, `auditrum/${log}`, [pair.publicKey])).toBe(`${text.split('\n\n')[0]}\n`)
    expect(verifierKey(text, pem)).toBe(verifierKeyOf(`auditrum/${log}`, pair.publicKey))
  })

  test('is verified by any of several keys, and by no other', () => {
    const former = generateKeyPairSync('ed25519').publicKey.export({ format: 'pem', type: 'spki' })
    expect(verifyDigest(text, `${former}\n# the new one\n${pem}`).size).toBe(12)
    expect(() => verifyDigest(text, String(former))).toThrow('not by auditrum/')
    expect(() => verifyDigest(text.replace('\n12\n', '\n13\n'), pem)).toThrow('does not fit')
    expect(() => verifierKey(text, `${former}${pem}`)).toThrow('several public keys')
  })

  test('may have lines that are nobody’s business', () => {
    const base = `auditrum/${log}\n12\n${root.toString('base64')}\n`
    expect(parseDigest(signed(`${base}more\n`))).toMatchObject({ size: 12 })
  })

  test.for([
    [`example.com/log\n12\n${root.toString('base64')}\n`, 'not the name of a log'],
    [`auditrum/${log}\n012\n${root.toString('base64')}\n`, 'not a number of entries'],
    [`auditrum/${log}\n-1\n${root.toString('base64')}\n`, 'not a number of entries'],
    [`auditrum/${log}\n9007199254740993\n${root.toString('base64')}\n`, 'not a number of entries'],
    [`auditrum/${log}\n12\n${root.toString('hex')}\n`, 'not a hash'],
    [`auditrum/${log}\n12\n`, 'not a hash'],
    [`auditrum/${log}\n12\n${root.toString('base64')}\n\nmore\n`, 'empty line'],
  ] as const)('is none as %o', ([body, why]) => {
    expect(() => parseDigest(signed(body))).toThrow(why)
  })
})

describe('a key', () => {
  const pkcs8 = { format: 'pem', type: 'pkcs8' } as const
  const spki = { format: 'pem', type: 'spki' } as const
  const own = generateKeyPairSync('ed25519')
  const elliptic = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const encrypted = own.privateKey.export({ ...pkcs8, cipher: 'aes-256-cbc', passphrase: 'secret' })

  test('is PEM', () => {
    expect(readPrivateKey(own.privateKey.export(pkcs8)).equals(own.privateKey)).toBe(true)
    expect(readPublicKeys(own.publicKey.export(spki))[0]?.equals(own.publicKey)).toBe(true)
  })

  test.for([
    ['encrypted', encrypted, 'is encrypted'],
    ['of another kind', elliptic.privateKey.export(pkcs8), 'is one for ec'],
    ['public', own.publicKey.export(spki), 'A public key was given to sign with'],
    ['no key', 'MC4CAQAwBQYDK2VwBCIEIA==', 'no PEM text'],
    [
      'a broken one',
      '-----BEGIN PRIVATE KEY-----\nMC4C\n-----END PRIVATE KEY-----\n',
      'no PEM text',
    ],
    ['no text', 7, 'no PEM text'],
  ] as const)('to sign with is refused where it is %s', ([, given, why]) => {
    expect(() => readPrivateKey(given)).toThrow(why)
  })

  test.for([
    ['private', own.privateKey.export(pkcs8), 'A private key was given to verify with'],
    ['of another kind', elliptic.publicKey.export(spki), 'is one for ec'],
    ['no key', '', 'no PEM text'],
    ['a broken one', '-----BEGIN PUBLIC KEY-----\nMC4C\n-----END PUBLIC KEY-----\n', 'no PEM text'],
  ] as const)('to verify with is refused where it is %s', ([, given, why]) => {
    expect(() => readPublicKeys(given)).toThrow(why)
  })

  test('is never in a message', () => {
    const text = String(own.privateKey.export(pkcs8))
    const secret = text.split('\n')[1] ?? ''
    for (const given of [text, text.replace('PRIVATE', 'SECRET'), text.replace('MC4', 'XX4')]) {
      const errors = [() => readPublicKeys(given), () => readPrivateKey(given)].map(messageOf)
      expect(errors.join(' ')).not.toContain(secret.slice(8, 24))
    }
  })
})

function messageOf(act: () => unknown): string {
  try {
    act()
    return ''
  } catch (error) {
    return (error as Error).message
  }
}

/** A key as notes write it. */
function publishedKey(verifier: string) {
  const [, name = '', id = '', encoded = ''] = /^([^+]+)\+([^+]+)\+(.+)$/.exec(verifier) ?? []
  const x = Buffer.from(encoded, 'base64').subarray(1).toString('base64url')
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
  return { name, id, key }
}

import { readFile } from 'node:fs/promises'
import { UsageError, verifyDigest } from '@auditrum/core'
import { publicKeyOf } from '@auditrum/core/adapter'
import { bucket } from '../digests/bucket.js'
import { giveTo } from '../digests/command.js'
import { file, folder, isFolder } from '../digests/files.js'
import { digestKey, newKey } from '../digests/key.js'
import {
  type DigestPlace,
  digestName,
  type KeptDigest,
  keyName,
  PlaceError,
} from '../digests/place.js'
import { isBucket } from '../digests/s3.js'
import { examples } from '../examples.js'
import { exit, exitCodeOf } from '../failure.js'
import { interval, limit, number } from '../options.js'
import type { Program } from '../program.js'
import { bravely, everySoOften, now } from '../rounds.js'
import { inSession, type Setting, settingOf } from '../session.js'

export function digest(program: Program): void {
  const command = program
    .command('digest')
    .summary('sign what is sealed, for somebody outside')
    .description(
      'Signs what is sealed: a text of a few lines, to be kept where whoever can change the log cannot. Nothing is signed where the chain no longer leads to the newest digest that is kept there. Exits with 1 then.',
    )
    .option('--key <file>', 'the private key, as PEM; else what is in AUDITRUM_DIGEST_KEY')
    .option(
      '--new-key <file>',
      'make a private key in this file and the public one beside it, as .pub, and do no more',
    )
    .option('--to <place>', 'a folder/, a file or s3://bucket/prefix; stdout without it')
    .option('--exec <command>', 'a command of the shell, which gets the digest on its stdin')
    .option('--lock-days <number>', 'of a bucket: nobody can delete it for so long', limit)
    .option('--previous <file>', 'a digest that the chain has to lead to')
    .option('--public-key <file>', 'former public keys, which signed older digests')
    .option('--every <time>', 'again and again, as 1h, until SIGTERM', interval)
    .action(async (options, self) => {
      const global = self.optsWithGlobals()
      const setting = await settingOf(global)
      if (options.newKey !== undefined) {
        const { privateKey, publicKey } = await newKey(options.newKey)
        return setting.terminal.note(
          `${privateKey} is the private key: keep it where the owners of the database are not. ${publicKey} is the public one: give it to who is to verify.`,
        )
      }
      const round = await digesting(setting, options)
      if (options.every === undefined) return round()
      await everySoOften(options.every, bravely(setting, global, round, mayPass))
    })
  examples(command, [
    ['Make a key, once', 'auditrum digest --new-key digest-key.pem'],
    ['Sign what is sealed now', 'auditrum digest --key digest-key.pem'],
    ['Into a folder, a file for each', 'auditrum digest --key digest-key.pem --to digests/'],
    [
      'Into the log of the system',
      "auditrum digest --key digest-key.pem --exec 'logger -t audit-digest'",
    ],
    [
      'Every hour into a bucket, where nobody can delete it for ten years',
      'auditrum digest --key digest-key.pem --every 1h --to s3://audit-digests/shop --lock-days 3650',
    ],
  ])
}

interface Options {
  readonly key?: string | undefined
  readonly to?: string | undefined
  readonly exec?: string | undefined
  readonly lockDays?: number | undefined
  readonly previous?: string | undefined
  readonly publicKey?: string | undefined
  readonly every?: number | undefined
}

/** Signs one digest, and has it kept. What is wrong with the options is said before. */
async function digesting(setting: Setting, options: Options): Promise<() => Promise<void>> {
  const { terminal } = setting
  const key = await digestKey(options.key)
  const former =
    options.publicKey === undefined ? undefined : await readFile(options.publicKey, 'utf8')
  const ownKey = publicKeyOf(key)
  const publicKey = `${ownKey}${former ?? ''}`
  const place = await placeOf(setting, options)
  const said = (text: string) =>
    terminal.note(options.every === undefined ? text : `${now()}  ${text}`)
  let given: string | undefined
  let last: KeptDigest | undefined
  if (options.previous !== undefined) {
    last = { name: options.previous, text: await readFile(options.previous, 'utf8') }
  }
  return () =>
    inSession(setting, async ({ audit }) => {
      const sizeOf = (kept: KeptDigest) => verifyDigest(kept.text, publicKey).size
      const kept = await place?.newest(keyName(ownKey))
      if (kept) checkKept(kept)
      // what was signed here counts, even if it has gone where it was kept
      if (kept && (last === undefined || sizeOf(kept) > sizeOf(last))) last = kept
      const text = await terminal.waiting('Reading the chain', () =>
        audit.digest({ key, previous: last, publicKey: former }),
      )
      if (text === (kept?.text ?? given)) {
        const text = 'Nothing was sealed since the last digest.'
        return options.every === undefined ? terminal.note(text) : terminal.detail(text)
      }
      const { size } = verifyDigest(text, publicKey)
      last = { name: `of ${size} entries`, text }
      if (!place && options.exec === undefined) await terminal.write(text)
      // before the place, which makes the next round believe that all is done
      if (options.exec !== undefined) await giveTo(options.exec, text)
      const where = await place?.keep(digestName(text, ownKey), text)
      given = text
      if (where) said(`A digest of ${number(size, 'entry', 'entries')} is kept: ${where}`)
    })
}

async function placeOf({ terminal }: Setting, options: Options): Promise<DigestPlace | undefined> {
  const { to, lockDays } = options
  if (to !== undefined && isBucket(to))
    return bucket(to, lockDays, (message) => terminal.warn(message))
  if (lockDays !== undefined) {
    throw new UsageError(
      '--lock-days is for a bucket, whose objects can be locked. Give --to s3://bucket/prefix.',
    )
  }
  if (to === undefined) return undefined
  if (/^[a-z][a-z\d+.-]*:\/\//i.test(to)) {
    throw new UsageError(
      `--to: ${to} is no place for digests. Give a folder/, a file, or s3://bucket/prefix.`,
    )
  }
  return (await isFolder(to)) ? folder(to) : file(to)
}

/** What else lies in its place no digest could be compared with. */
function checkKept({ name, text }: KeptDigest): void {
  if (/^auditrum\/\S+\r?\n\d+\r?\n/.test(text)) return
  throw new UsageError(
    `${name} is no digest, and lies where the newest one is looked for. Find out who put it there, and move it away; or give another place.`,
  )
}

/** Whether the next round may have more luck. */
function mayPass(error: unknown): boolean {
  return error instanceof PlaceError || exitCodeOf(error) === exit.database
}

import { readFile } from 'node:fs/promises'
import { type ChainStart, type ChainVerification, UsageError } from '@auditrum/core'
import { readDigests } from '../digests/read.js'
import { examples } from '../examples.js'
import { exit } from '../failure.js'
import { id, json, limit, number } from '../options.js'
import { time } from '../people.js'
import type { Program } from '../program.js'
import { inSession, settingOf } from '../session.js'
import { type Piece, styled, type Terminal } from '../terminal.js'

export function verifyChain(program: Program): void {
  const command = program
    .command('verify-chain')
    .summary('is the log what was sealed?')
    .description(
      'Verifies every sealed event, and the chain itself against digests that were kept outside. Without a digest it trusts that nobody rewrote log and chain together. Exits with 1 where something is not as it was sealed.',
    )
    .option(
      '--digest <place>',
      'a digest, or a folder/ or s3://bucket/prefix of them; may be given again',
      (place: string, before: readonly string[]) => [...before, place],
      [] as readonly string[],
    )
    .option('--public-key <file>', 'of who signed the digests, as PEM')
    .option('--independent', 'recompute every hash here, by no function of the log')
    .option('--jobs <number>', 'on so many connections at a time', limit)
    .option('--after <event>', 'go on behind this event, where it was interrupted', id)
    .option('--limit <number>', 'name at most so many problems; 1000 without it', limit)
    .addOption(json())
    .action(async (options, self) => {
      checkPair(options)
      const publicKey = options.publicKey && (await readFile(options.publicKey, 'utf8'))
      const setting = await settingOf(self.optsWithGlobals())
      const digest = await readDigests(options.digest, (message) => setting.terminal.warn(message))
      await inSession(setting, async ({ audit, terminal }) => {
        const found = await terminal.waiting('Verifying', () =>
          audit.verifyChain({
            ...(digest.length > 0 && { digest }),
            ...(publicKey && { publicKey }),
            independent: options.independent,
            jobs: options.jobs,
            after: options.after,
            limit: options.limit,
            onProgress: ({ after, last }) => {
              // of one part there is nothing to go on with
              if (after !== last) {
                terminal.detail(
                  `Verified up to event ${after} of ${last}: --after ${after} goes on`,
                )
              }
            },
          }),
        )
        if (!found.ok) process.exitCode = exit.failed
        if (options.json) return terminal.document(found)
        await print(terminal, found)
        if (digest.length === 0) {
          terminal.note('Without a digest, a log that was rewritten with its chain looks the same.')
        }
      })
    })
  examples(command, [
    ['By what is in the database', 'auditrum verify-chain'],
    [
      'By all digests of a folder',
      'auditrum verify-chain --digest digests/ --public-key digest-key.pub',
    ],
    ['For an auditor who trusts no function of it', 'auditrum verify-chain --independent'],
  ])
}

/** A digest without its key, or a key without a digest, would verify nothing. */
function checkPair({
  digest,
  publicKey,
}: {
  readonly digest: readonly string[]
  readonly publicKey?: string | undefined
}): void {
  if (digest.length > 0 && publicKey === undefined) {
    throw new UsageError(
      '--digest is verified by the public key of who signed it, and no --public-key was given. Give it: --public-key digest-key.pub.',
    )
  }
  if (digest.length === 0 && publicKey !== undefined) {
    throw new UsageError(
      '--public-key is the key of digests, and no --digest was given. Give a digest, or a folder of them: --digest digests/.',
    )
  }
}

async function print(terminal: Terminal, found: ChainVerification): Promise<void> {
  const { ok, verified, redacted, retired, pending, start, digests, after, problems, more } = found
  for (const { kind, message } of problems)
    await terminal.line(styled('red', kind.padEnd(9)), ` ${message}`)
  if (more > 0) terminal.note(`And ${number(more, 'more problem')}: give a larger --limit.`)
  if (ok) await terminal.line(styled('green', 'chain OK'), `: ${verified} events verified`)
  else {
    const broken = number(problems.length + more, 'problem')
    await terminal.line(styled('red', 'chain BROKEN'), `: ${broken}, ${verified} events verified`)
  }
  const remarks = [
    redacted > 0 && `${redacted} of them redacted`,
    retired > 0 && `${retired} retired`,
    pending > 0 && `${pending} not sealed yet`,
    digests > 0 && `${number(digests, 'digest')} checked`,
    after !== null && `events up to ${after} not looked at`,
  ].filter((remark) => remark !== false)
  if (remarks.length > 0) await terminal.line(remarks.join(', '))
  if (start !== null) await terminal.line(...began(start))
}

/** What was before it nobody has verified: whoever reads a short time sees that. */
function began({ at, by, reason, former }: ChainStart): readonly Piece[] {
  if (reason === null) return [`since ${time(at)}`]
  const before =
    former === null ? '' : ` (it had ${number(former.entries, 'entry', 'entries')} left)`
  return [
    `since ${time(at)}: `,
    styled(
      'yellow',
      `begun anew by role ${by}, in the place of a chain that was broken${before}: ${reason}`,
    ),
  ]
}

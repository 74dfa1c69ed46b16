import { readFile } from 'node:fs/promises'
import { type ProvenEvent, verifyProof } from '@auditrum/core'
import { examples } from '../examples.js'
import { json, number } from '../options.js'
import { rowName, time, value } from '../people.js'
import { block } from '../print-events.js'
import type { Program } from '../program.js'
import { styled, Terminal } from '../terminal.js'

export function verifyProofCommand(program: Program): void {
  const command = program
    .command('verify-proof')
    .summary('verify what prove made, without the database')
    .description(
      'Verifies a proof with nothing but the public key, and prints what it proves. Exits with 1 where it proves nothing.',
    )
    .argument('<file>', 'what prove wrote')
    .requiredOption('--public-key <file>', 'the public key of the digests, as PEM')
    .option('--digest <file>', 'the digest, where it is not in the proof, or is trusted more')
    .addOption(json())
    .action(async (path, options, self) => {
      const { quiet, verbose } = self.optsWithGlobals()
      const terminal = new Terminal({ quiet: quiet === true, verbose: verbose === true })
      const digest = options.digest && (await readFile(options.digest, 'utf8'))
      const proven = verifyProof(await readFile(path, 'utf8'), {
        publicKey: await readFile(options.publicKey, 'utf8'),
        ...(digest && { digest }),
      })
      if (options.json) return terminal.document(proven)
      await print(terminal, proven)
    })
  examples(command, [
    ['On any machine', 'auditrum verify-proof 4711.proof --public-key digest-key.pub'],
    [
      'By a digest of our own',
      'auditrum verify-proof 4711.proof --public-key digest-key.pub --digest log.digest',
    ],
  ])
}

async function print(terminal: Terminal, proven: ProvenEvent): Promise<void> {
  const { event, table, block: sealed, redactions, digest } = proven
  const [schema = '', name = ''] = table?.split('.') ?? []
  const row = rowName({
    ...(table !== null && { schema }),
    table: name || `table ${event.tableId}`,
    objectId: event.objectId,
  })
  const { userId = null, metadata } = event.context ?? {}
  const reason = metadata?.change_reason
  await terminal.write(
    block(
      [
        [
          styled('yellow', `event ${event.id}`),
          '  ',
          styled('bold', `${event.operation} ${row}`),
          styled('green', '  proven'),
        ],
        [
          styled('dim', `${time(event.changedAt)}  `),
          userId ?? `(role ${event.dbUser})`,
          ...(typeof reason === 'string' ? [styled('dim', `  ${reason}`)] : []),
        ],
      ],
      columnsOf(event).map(([column, pieces]) => [styled('cyan', column), pieces] as const),
      terminal.width,
    ),
  )
  const tables = sealed.tables.length === 0 ? '' : ` of ${sealed.tables.join(', ')}`
  await terminal.line(
    `Sealed by entry ${sealed.id} at ${time(sealed.at)} (role ${sealed.by}), in a block of ${number(sealed.events, 'event')}${tables}.`,
  )
  for (const redaction of redactions) {
    await terminal.line(
      `Erased by entry ${redaction.id} at ${time(redaction.at)} (role ${redaction.by}): ${redaction.columns.join(', ')}.`,
    )
  }
  await terminal.line(
    `Proven by the digest of ${number(digest.size, 'entry', 'entries')} of the log ${digest.log}.`,
  )
}

/** What the event has of each column. */
function columnsOf({ old, new: young }: ProvenEvent['event']) {
  const names = old !== null && young !== null ? Object.keys(old) : Object.keys(young ?? old ?? {})
  return names.map((name) => {
    const [before, after] = [old?.[name], young?.[name]]
    if (old === null || young === null)
      return [name, [value(young === null ? before : after)]] as const
    return [name, [value(before), ' -> ', value(after)]] as const
  })
}

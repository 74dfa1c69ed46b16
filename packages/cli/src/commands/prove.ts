import { readFile, writeFile } from 'node:fs/promises'
import { examples } from '../examples.js'
import { id } from '../options.js'
import type { Program } from '../program.js'
import { withSession } from '../session.js'

export function prove(program: Program): void {
  const command = program
    .command('prove')
    .summary('prove an event to somebody without the log')
    .description(
      'Makes a small file that proves that an event is in the log, unchanged since it was sealed. Whoever has the public key verifies it with verify-proof, without the database.',
    )
    .argument('<event>', 'its id, as history prints it', id)
    .option('--digest <file>', 'the digest that it is to be verified with; becomes a part of it')
    .option('--output <file>', 'write it there, and not to stdout')
    .option('--json', 'a failure as JSON, too: the proof is JSON anyway')
    .action((event, options, self) =>
      withSession(self.optsWithGlobals(), async ({ audit, terminal }) => {
        const digest = options.digest && (await readFile(options.digest, 'utf8'))
        const proof = await terminal.waiting('Reading the chain', () =>
          audit.prove(event, digest ? { digest } : {}),
        )
        if (options.output === undefined) return terminal.text(proof)
        await writeFile(options.output, proof)
        terminal.note(`${options.output} is written.`)
      }),
    )
  examples(command, [
    [
      'By a digest',
      'auditrum digest --key digest-key.pem > log.digest && auditrum prove 4711 --digest log.digest --output 4711.proof',
    ],
  ])
}

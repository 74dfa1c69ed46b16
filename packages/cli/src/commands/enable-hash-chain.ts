import { quoteIdentifier } from '@auditrum/core/adapter'
import { examples } from '../examples.js'
import { dryRun, output, showSql } from '../options.js'
import type { Program } from '../program.js'
import { withSession } from '../session.js'

export function enableHashChain(program: Program): void {
  const command = program
    .command('enable-hash-chain')
    .summary('begin the chain that makes the log tamper-evident')
    .description(
      'Begins the chain of the log, once: from now on seal can seal it. Writers wait for an instant. To be run as the owner of the log.',
    )
    .addOption(dryRun())
    .addOption(output())
    .action((options, self) =>
      withSession(self.optsWithGlobals(), async ({ audit, terminal }) => {
        const sql = `SELECT ${quoteIdentifier(audit.schema)}.enable_sealing();\n`
        if (await showSql(terminal, options, async () => sql)) return
        const isNew = await audit.enableSealing()
        terminal.note(
          isNew
            ? 'The log can be sealed now. Keep auditrum seal --every 5s running.'
            : 'It is enabled already.',
        )
      }),
    )
  examples(command, [['Once', 'auditrum enable-hash-chain']])
}

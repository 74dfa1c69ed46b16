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
      withSession(self.optsWithGlobals(), async ({ audit, pool, terminal }) => {
        const log = quoteIdentifier(audit.schema)
        const sql = `SELECT ${log}.enable_sealing();\n`
        if (await showSql(terminal, options, async () => sql)) return
        // what is wrong with the log enabling says
        const salted = await pool.query(`SELECT ${log}.has_salt() AS is`).catch(() => undefined)
        if (await audit.enableSealing()) {
          terminal.note('The log can be sealed now. Keep auditrum seal --every 5s running.')
        } else if (salted?.rows[0]?.is === false) {
          terminal.warn(
            'It was enabled, but somebody had taken the salt of new events away: they carry one again. Find out who did it: what an event holds can be guessed from its hash where its salt is known.',
          )
        } else terminal.note('It is enabled already.')
      }),
    )
  examples(command, [['Once', 'auditrum enable-hash-chain']])
}

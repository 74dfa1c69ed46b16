import { UsageError } from '@auditrum/core'
import { quoteIdentifier, quoteLiteral } from '@auditrum/core/adapter'
import { examples } from '../examples.js'
import { dryRun, output, showSql } from '../options.js'
import type { Program } from '../program.js'
import { withSession } from '../session.js'

export function enableHashChain(program: Program): void {
  const command = program
    .command('enable-hash-chain')
    .summary('begin the chain that makes the log tamper-evident')
    .description(
      'Begins the chain of the log, once: from now on seal can seal it. Writers wait for an instant. To be run as the owner of the log. Where the chain is broken, and it is known how that came about, --anew begins another one in its place, which says so for good; what is left of the one before goes.',
    )
    .option('--anew', 'another chain, in the place of one that is broken, for a --reason')
    .option('--reason <text>', 'with --anew: what happened to the one before; it stays')
    .addOption(dryRun())
    .addOption(output())
    .action((options, self) =>
      withSession(self.optsWithGlobals(), async ({ audit, pool, terminal }) => {
        const { anew, reason } = options
        if ((anew === undefined) !== (reason === undefined)) {
          throw new UsageError(
            `${anew ? '--anew takes the place of a chain that is broken, for good, and no --reason was given' : '--reason is for --anew, which was not given'}. Give both: auditrum enable-hash-chain --anew --reason 'audit_seal was lost with disk 3'.`,
          )
        }
        const log = quoteIdentifier(audit.schema)
        const call =
          reason === undefined ? 'enable_sealing()' : `seal_anew(${quoteLiteral(reason)})`
        const sql = `SELECT ${log}.${call};\n`
        if (await showSql(terminal, options, async () => sql)) return
        if (anew) {
          await terminal.waiting('Verifying', () => audit.enableSealing({ anew, reason }))
          return terminal.note(
            'Another chain has begun, which says so for good. Seal the log now: auditrum seal. Digests of the chain before do not fit it: keep them, and take new ones to another place.',
          )
        }
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
  examples(command, [
    ['Once', 'auditrum enable-hash-chain'],
    [
      'In the place of a chain that was lost',
      "auditrum enable-hash-chain --anew --reason 'audit_seal was lost with disk 3' --dry-run",
    ],
  ])
}

import { track } from '@auditrum/core'
import { quoteIdentifier, quoteLiteral, quoteTable } from '@auditrum/core/adapter'
import { actor } from '../actor.js'
import { examples } from '../examples.js'
import { dryRun, json, number, output, showSql } from '../options.js'
import type { Program } from '../program.js'
import { withSession } from '../session.js'

export function backfill(program: Program): void {
  const command = program
    .command('backfill')
    .summary('record the present rows of a table once')
    .description(
      'Records the present rows of a tracked table once, as snapshots. Time travel does not need it; who reads a row’s history finds its first values there.',
    )
    .argument('<table>', 'as orders or billing.orders')
    .option('--reason <text>', 'why')
    .option('--user <id>', 'on whose behalf: the user_id of the context')
    .addOption(dryRun())
    .addOption(output())
    .addOption(json())
    .action((table, options, self) =>
      withSession(self.optsWithGlobals(), ({ audit, terminal }) =>
        actor(options, async () => {
          const isShown = await showSql(terminal, options, async () => {
            const name = quoteLiteral(quoteTable(track(table).table))
            return `SELECT ${quoteIdentifier(audit.schema)}.backfill(${name});\n`
          })
          if (isShown) return
          const done = await terminal.waiting(`Recording ${table}`, () => audit.backfill(table))
          if (options.json) return terminal.document(done)
          terminal.note(`${number(done.recorded, 'row')} of ${table} recorded.`)
        }),
      ),
    )
  examples(command, [['The rows that were there before', 'auditrum backfill customers']])
}

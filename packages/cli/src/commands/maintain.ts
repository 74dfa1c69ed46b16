import { quoteIdentifier } from '@auditrum/core/adapter'
import { Option } from '@commander-js/extra-typings'
import { examples } from '../examples.js'
import { json, output, showSql } from '../options.js'
import type { Program } from '../program.js'
import { safeText } from '../safe-text.js'
import { withSession } from '../session.js'
import { printPurge, purgeLines } from './purge.js'

export function maintain(program: Program): void {
  const command = program
    .command('maintain')
    .summary('the log’s housekeeping, to be done daily')
    .description(
      'Makes partitions ahead, lets go of what is older than its retention, and notes what changed in the columns of tables. To be run once a day, if nothing else does: the adapters have a timer for it, and in SQL it is call auditrum.run_maintenance().',
    )
    .addOption(
      new Option('--dry-run', 'print the SQL, with what would go as comments, and change nothing'),
    )
    .addOption(output())
    .addOption(json())
    .action((options, self) =>
      withSession(self.optsWithGlobals(), async ({ audit, terminal }) => {
        const isShown = await showSql(terminal, options, async () => {
          const { purge } = await audit.maintain({ dryRun: true })
          const due = purge ? purgeLines(purge, true) : []
          return [
            ...due.map((line) => `-- ${safeText(line)}\n`),
            `CALL ${quoteIdentifier(audit.schema)}.run_maintenance();\n`,
          ].join('')
        })
        if (isShown) return
        const done = await terminal.waiting('Maintaining the log', () => audit.maintain())
        if (options.json) return terminal.document(done)
        for (const name of done.partitions) await terminal.line(`new partition ${name}`)
        for (const name of done.attached ?? []) await terminal.line(`partition ${name} is back`)
        for (const name of done.shapes) await terminal.line(`other columns ${name}`)
        if (done.purge) await printPurge(terminal, done.purge)
        else if (done.partitions.length + done.shapes.length === 0 && !done.attached)
          terminal.note('Nothing was to do.')
      }),
    )
  examples(command, [
    ['From cron, every night', 'auditrum maintain --quiet'],
    ['What is older than its retention?', 'auditrum maintain --dry-run'],
  ])
}

import { quoteIdentifier } from '@auditrum/core/adapter'
import { examples } from '../examples.js'
import { count, dryRun, json, number, output, showSql } from '../options.js'
import type { Program } from '../program.js'
import { withSession } from '../session.js'

export function createPartitions(program: Program): void {
  const command = program
    .command('create-partitions')
    .summary('make the partitions of the months ahead')
    .description('Makes the partitions of this month and of the months after it.')
    .option('--months <number>', 'how many months after this one', count, 3)
    .addOption(dryRun())
    .addOption(output())
    .addOption(json())
    .action((options, self) =>
      withSession(self.optsWithGlobals(), async ({ audit, terminal }) => {
        const { months } = options
        const isShown = await showSql(
          terminal,
          options,
          async () => `SELECT ${quoteIdentifier(audit.schema)}.create_partitions(${months});\n`,
        )
        if (isShown) return
        const made = await terminal.waiting('Making partitions', () =>
          audit.createPartitions({ months }),
        )
        if (options.json) return terminal.document(made)
        for (const name of made) await terminal.line(name)
        terminal.note(
          made.length === 0
            ? 'All are there.'
            : `${number(made.length, 'partition is', 'partitions are')} new.`,
        )
      }),
    )
  examples(command, [['A year ahead', 'auditrum create-partitions --months 12']])
}

import { quoteIdentifier } from '@auditrum/core/adapter'
import { Option } from '@commander-js/extra-typings'
import { examples } from '../examples.js'
import { count, dryRun, json, number, output, showSql } from '../options.js'
import type { Program } from '../program.js'
import { withSession } from '../session.js'

export function createPartitions(program: Program): void {
  const command = program
    .command('create-partitions')
    .summary('make the partitions of the time ahead')
    .description(
      'Makes the partition of this month and of the months after it, or of weeks or days. From then on maintain keeps so many ahead. An overflow that holds rows becomes a partition of its own first; no row is moved.',
    )
    .addOption(
      new Option(
        '--months <number>',
        'how many months after this one (default: as last time, at first 3)',
      )
        .argParser(count)
        .conflicts(['weeks', 'days']),
    )
    .addOption(
      new Option('--weeks <number>', 'by week: how many after this one')
        .argParser(count)
        .conflicts(['months', 'days']),
    )
    .addOption(
      new Option('--days <number>', 'by day: how many after this one')
        .argParser(count)
        .conflicts(['months', 'weeks']),
    )
    .addOption(dryRun())
    .addOption(output())
    .addOption(json())
    .action((options, self) =>
      withSession(self.optsWithGlobals(), async ({ audit, terminal }) => {
        const { months, weeks, days } = options
        const isShown = await showSql(terminal, options, async () => {
          const by = weeks !== undefined ? `, 'week'` : days !== undefined ? `, 'day'` : ''
          return `SELECT ${quoteIdentifier(audit.schema)}.create_partitions(${months ?? weeks ?? days ?? ''}${by});\n`
        })
        if (isShown) return
        const made = await terminal.waiting('Making partitions', () =>
          audit.createPartitions({ months, weeks, days }),
        )
        if (options.json) return terminal.document(made)
        for (const name of made) await terminal.line(name)
        const unit = weeks !== undefined ? 'week' : days !== undefined ? 'day' : 'month'
        terminal.note(
          made.length === 0
            ? `All are there; behind them maintain will make them by ${unit}.`
            : `${number(made.length, 'partition is', 'partitions are')} new.`,
        )
      }),
    )
  examples(command, [
    ['A year ahead', 'auditrum create-partitions --months 12'],
    ['By week, behind those that are there', 'auditrum create-partitions --weeks 8'],
  ])
}

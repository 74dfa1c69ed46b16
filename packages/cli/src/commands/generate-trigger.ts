import { schemaSql, type TrackOptions, track, trackingSql } from '@auditrum/core'
import { Option } from '@commander-js/extra-typings'
import { examples } from '../examples.js'
import { dryRun, names, output, showSql } from '../options.js'
import type { Program } from '../program.js'
import { inSession, settingOf } from '../session.js'

export function generateTrigger(program: Program): void {
  const command = program
    .command('generate-trigger')
    .summary('record one table')
    .description(
      'Records one table, as track(table, options) and sync would, or prints the SQL that does it, for which no database is needed.',
    )
    .argument('<table>', 'as orders or billing.orders')
    .option('--only <columns>', 'record these columns and the key', names)
    .option('--exclude <columns>', 'record all columns but these', names)
    .option('--ignore <columns>', 'a change of these alone is no event', names)
    .option('--mask <columns>', 'record that they changed, not the value', names)
    .option('--meta <columns>', 'copy them into the event’s meta', names)
    .option('--when <sql>', 'a condition over OLD and NEW')
    .addOption(
      new Option('--image <image>', 'what an event holds of the new row').choices([
        'full',
        'changed',
      ] as const),
    )
    .addOption(
      new Option(
        '--require-context [what]',
        'refuse writes without a context, an actor or a reason',
      )
        .choices(['actor', 'reason'] as const)
        .preset(true as const),
    )
    .option('--label <sql>', 'a column, or SQL, that names the row for people')
    .option('--retention <time>', "how long its events are kept: '2 years', 'forever'")
    .addOption(dryRun())
    .addOption(output())
    .action(async (table, options, self) => {
      const setting = await settingOf(self.optsWithGlobals())
      const { terminal, config, schema, address } = setting
      const { dryRun: isDry, output: file, ...columns } = options
      const declaration = track(table, columns as TrackOptions)
      if (address === undefined && (isDry || file !== undefined)) {
        await showSql(terminal, options, async () =>
          trackingSql(declaration, { schema, app: config.app }),
        )
        return
      }
      await inSession(
        { ...setting, config: { ...config, tables: [declaration] } },
        async ({ audit }) => {
          const isShown = await showSql(terminal, options, async () => {
            // refuses what does not fit the table
            const [log] = await audit.plan()
            const call = trackingSql(declaration, { schema, app: config.app })
            return log?.action === 'none' ? call : `${schemaSql({ schema })}\n${call}`
          })
          if (isShown) return
          const { installed, updated } = await terminal.waiting('Syncing', () => audit.sync())
          const done =
            installed.length > 0
              ? 'is recorded now'
              : updated.length > 0
                ? 'is recorded as told now'
                : 'was recorded so already'
          terminal.note(`${table} ${done}.`)
        },
      )
    })
  examples(command, [
    [
      'Record a table',
      'auditrum generate-trigger orders --ignore updated_at --label "\'order \' || id"',
    ],
    [
      'Print the SQL',
      'auditrum generate-trigger customers --exclude password_hash --mask email --dry-run',
    ],
  ])
}

import type { Change } from '@auditrum/core'
import { examples } from '../examples.js'
import { exit } from '../failure.js'
import { json, requireConfig } from '../options.js'
import type { Program } from '../program.js'
import { discover, withSession } from '../session.js'
import { type Style, styled } from '../terminal.js'

const signs: Readonly<Record<Change['action'], readonly [sign: string, style: Style]>> = {
  install: ['+', 'green'],
  update: ['~', 'yellow'],
  uninstall: ['-', 'red'],
  none: ['=', 'dim'],
}

export function plan(program: Program): void {
  const command = program
    .command('plan')
    .summary('show what sync would do')
    .description('Shows what sync would do, and why. Reads the catalogue alone.')
    .option('--prune', 'also what is no longer declared')
    .option('--check', 'exit with 1 if there is something to do')
    .addOption(json())
    .action((options, self) =>
      withSession(self.optsWithGlobals(), async (session) => {
        const { audit, terminal, config } = session
        if (options.prune) requireConfig(config, '--prune')
        if (options.check) requireConfig(config, '--check')
        await discover(session)
        const changes = await audit.plan({ prune: options.prune })
        const pending = changes.filter(({ action }) => action !== 'none')
        if (options.check && pending.length > 0) process.exitCode = exit.failed
        if (options.json) return terminal.document(changes)
        for (const { action, table, reasons } of changes) {
          const [sign, style] = signs[action]
          const what = `${sign} ${table ?? `the log ${audit.schema}`}`
          await terminal.line(
            styled(style, what),
            reasons.length > 0 ? `  ${reasons.join(', ')}` : '',
          )
        }
        terminal.note(
          pending.length === 0
            ? 'Nothing is to do.'
            : `${pending.length} of ${changes.length} are to do: run auditrum sync.`,
        )
      }),
    )
  examples(command, [
    ['What would sync do?', 'auditrum plan'],
    ['Fail a build where a migration was forgotten', 'auditrum plan --check'],
  ])
}

import { examples } from '../examples.js'
import { exit } from '../failure.js'
import { json, number } from '../options.js'
import type { Program } from '../program.js'
import { discover, withSession } from '../session.js'

export function check(program: Program): void {
  const command = program
    .command('check')
    .summary('list the tables that nobody tracks and nobody waived')
    .description(
      'Lists the tables that nobody tracks and nobody waived, and exits with 1 if there are any.',
    )
    .addOption(json())
    .action((options, self) =>
      withSession(self.optsWithGlobals(), async (session) => {
        const { audit, terminal } = session
        await discover(session)
        const tables = await audit.check()
        if (tables.length > 0) process.exitCode = exit.failed
        if (options.json) return terminal.document(tables)
        for (const table of tables) await terminal.line(table)
        terminal.note(
          tables.length === 0
            ? 'Every table is tracked or waived.'
            : `${number(tables.length, 'table')} not tracked: declare with track(…) and sync, or waive('table', 'why not').`,
        )
      }),
    )
  examples(command, [['Fail a build where a new table was forgotten', 'auditrum check']])
}

import { examples } from '../examples.js'
import { dryRun, output, showSql } from '../options.js'
import type { Program } from '../program.js'
import { inSession, settingOf } from '../session.js'

export function initSchema(program: Program): void {
  const command = program
    .command('init-schema')
    .summary('create or upgrade the log')
    .description(
      'Creates the log with its functions and first partitions, or upgrades an older one. Tracks no table: that is what sync does, which also does this.',
    )
    .addOption(dryRun())
    .addOption(output())
    .action(async (options, self) => {
      const setting = await settingOf(self.optsWithGlobals())
      const { terminal } = setting
      await inSession(
        { ...setting, config: { ...setting.config, tables: [] } },
        async (session) => {
          const { audit } = session
          const [log] = await audit.plan()
          const isShown = await showSql(terminal, options, async () => log?.sql ?? '')
          if (isShown) return
          if (log?.action === 'none') return terminal.note(`The log ${audit.schema} is up to date.`)
          await terminal.waiting('Installing the log', () => audit.sync())
          terminal.note(
            `The log ${audit.schema} is ${log?.action === 'install' ? 'installed' : 'upgraded'}.`,
          )
        },
      )
    })
  examples(command, [
    ['Create the log', 'auditrum init-schema'],
    ['See the SQL first', 'auditrum init-schema --dry-run'],
    ['Give it to somebody who may create schemas', 'auditrum init-schema --output log.sql'],
  ])
}

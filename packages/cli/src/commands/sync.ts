import { examples } from '../examples.js'
import { dryRun, json, number, output, requireConfig, showSql } from '../options.js'
import type { Program } from '../program.js'
import { discover, withSession } from '../session.js'

export function sync(program: Program): void {
  const command = program
    .command('sync')
    .summary('record the tables as declared')
    .description(
      'Makes log, functions, partitions and triggers as the configuration declares. Where nothing differs it only reads the catalogue.',
    )
    .option('--prune', 'also stop recording what is no longer declared')
    .addOption(dryRun())
    .addOption(output())
    .addOption(json())
    .action((options, self) =>
      withSession(self.optsWithGlobals(), async (session) => {
        const { audit, terminal, config } = session
        const { prune } = options
        if (prune) requireConfig(config, '--prune')
        await discover(session)
        const isShown = await showSql(terminal, options, async () => {
          const { up } = await audit.migration({ prune })
          return up
        })
        if (isShown) return
        const result = await terminal.waiting('Syncing', () => audit.sync({ prune }))
        if (options.json) return terminal.document(result)
        const { unchanged, pending, recreated, owner, ...changed } = result
        for (const [what, tables] of Object.entries(changed)) {
          for (const table of tables) await terminal.line(`${what} ${table}`)
        }
        for (const table of recreated) {
          terminal.warn(
            `${table} was missing. It is there again, empty: what was in it is gone. See auditrum status.`,
          )
        }
        for (const table of pending) {
          await terminal.line(`pending ${table}: run sync as ${owner}, who owns the log`)
        }
        const total = unchanged.length + pending.length + Object.values(changed).flat().length
        if (total === 0) return terminal.note('The log is installed; no table is declared.')
        terminal.note(
          `${number(unchanged.length, 'table was', 'tables were')} as declared already.`,
        )
      }),
    )
  examples(command, [
    ['Record what auditrum.config.ts declares', 'auditrum sync'],
    ['See the SQL first', 'auditrum sync --dry-run'],
    ['Stop recording what is no longer declared', 'auditrum sync --prune'],
  ])
}

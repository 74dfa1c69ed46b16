import type { Sealing } from '@auditrum/core'
import { examples } from '../examples.js'
import { exit, exitCodeOf } from '../failure.js'
import { interval, json, limit, number } from '../options.js'
import type { Program } from '../program.js'
import { bravely, everySoOften, now } from '../rounds.js'
import { inSession, settingOf } from '../session.js'

export function seal(program: Program): void {
  const command = program
    .command('seal')
    .summary('seal what was committed since the last time')
    .description(
      'Adds blocks to the chain over the events of all transactions that are over. Nobody waits for it. Until an event is sealed, whoever may change the log changes it unseen: seal every few seconds.',
    )
    .option('--every <time>', 'again and again, as 5s, until SIGTERM', interval)
    .option('--max-events <number>', 'the most events of a block; 10000 without it', limit)
    .option('--rebase', 'go on in another cluster: a dump was restored here, or pg_upgrade was run')
    .addOption(json())
    .action(async (options, self) => {
      const global = self.optsWithGlobals()
      const setting = await settingOf(global)
      const { terminal } = setting
      let rebase = options.rebase === true
      const round = () =>
        inSession(setting, async ({ audit }) => {
          const sealed = await audit.seal({ maxEvents: options.maxEvents, rebase })
          rebase = false
          if (options.every === undefined) {
            if (options.json) return terminal.record(sealed)
            return terminal.note(words(sealed))
          }
          if (options.json) await terminal.record({ at: new Date().toISOString(), ...sealed })
          else if (sealed.events > 0) terminal.note(`${now()}  ${words(sealed)}`)
        })
      if (options.every === undefined) return round()
      const mayPass = (error: unknown) => exitCodeOf(error) === exit.database
      await everySoOften(
        options.every,
        bravely(setting, { ...global, json: options.json }, round, mayPass),
      )
    })
  examples(command, [
    ['As a service', 'auditrum seal --every 5s'],
    ['Once', 'auditrum seal'],
    ['In the cluster that a dump was restored to', 'auditrum seal --rebase'],
  ])
}

function words({ blocks, events }: Sealing): string {
  if (events === 0) return 'Nothing is new.'
  return `${number(events, 'event')} sealed, in ${number(blocks, 'block')}.`
}

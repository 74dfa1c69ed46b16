import type { Finding, Status } from '@auditrum/core'
import { examples } from '../examples.js'
import { exit } from '../failure.js'
import type { FoundConfig } from '../load-config.js'
import { json } from '../options.js'
import { time } from '../people.js'
import type { Program } from '../program.js'
import { discover, withSession } from '../session.js'
import { grid, table } from '../table.js'
import { type Style, styled, type Terminal } from '../terminal.js'

const styles: Readonly<Record<Finding['severity'], Style>> = {
  error: 'red',
  warning: 'yellow',
  info: 'cyan',
}

export function status(program: Program): void {
  const command = program
    .command('status')
    .summary('is the trail healthy?')
    .description(
      'Says whether the trail is healthy, what is wrong with it, and what mends that. Exits with 1 if changes may be lost or wrongly recorded.',
    )
    .addOption(json())
    .action((options, self) =>
      withSession(self.optsWithGlobals(), async (session) => {
        const { audit, terminal, config } = session
        await discover(session)
        const found = declared(
          config,
          await terminal.waiting('Looking at the log', () => audit.status()),
        )
        if (!found.ok) process.exitCode = exit.failed
        if (options.json) return terminal.document(found)
        await printFindings(terminal, found.findings)
        await printTables(terminal, found)
        await printPartitions(terminal, found)
        const verdict = found.ok ? styled('green', 'healthy') : styled('red', 'not healthy')
        await terminal.line('The trail is ', verdict, '.')
      }),
    )
  examples(command, [
    ['Is it?', 'auditrum status'],
    ['For monitoring', 'auditrum status --json --quiet'],
  ])
}

/** Without a configuration nothing is undeclared: it is only not known what is declared. */
function declared(config: FoundConfig, found: Status): Status {
  if (config.file !== undefined) return found
  return { ...found, findings: found.findings.filter(({ code }) => code !== 'undeclared') }
}

async function printFindings(terminal: Terminal, findings: Status['findings']): Promise<void> {
  const rows = findings.flatMap(({ severity, message, remedy }) => [
    [styled(styles[severity], severity), `${message}.`],
    ['', styled('dim', remedy)],
  ])
  if (rows.length > 0) await terminal.write(`${grid(rows, terminal.width)}\n`)
}

async function printTables(terminal: Terminal, { tables }: Status): Promise<void> {
  if (tables.length === 0) return
  const rows = tables.map((each) => [
    each.table,
    each.app ?? '',
    each.since === null ? '?' : time(each.since),
    each.gaps === null ? '?' : String(each.gaps),
  ])
  await terminal.write(`${table(['table', 'app', 'since', 'gaps'], rows, terminal.width)}\n`)
}

async function printPartitions(terminal: Terminal, { partitions }: Status): Promise<void> {
  if (partitions.length === 0) return
  const rows = partitions.map((each) => [
    each.name,
    each.rows < 0 ? '?' : each.rows.toLocaleString('en'),
    `${(each.bytes / 1024 ** 2).toLocaleString('en', { maximumFractionDigits: 1 })} MB`,
  ])
  const titles = ['partition', 'rows, about', 'size']
  await terminal.write(`${table(titles, rows, terminal.width)}\n`)
}

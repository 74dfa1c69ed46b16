import type { Finding, Status } from '@auditrum/core'
import { Option } from '@commander-js/extra-typings'
import { examples } from '../examples.js'
import { exit } from '../failure.js'
import type { FoundConfig } from '../load-config.js'
import { json, number } from '../options.js'
import { bytes, time } from '../people.js'
import type { Program } from '../program.js'
import { discover, withSession } from '../session.js'
import { inOptions } from '../spelling.js'
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
      'Says whether the trail is healthy, what is wrong with it, why that matters and what mends it, and how fast the log grows. Exits with 1 if changes may be lost or wrongly recorded.',
    )
    .addOption(
      new Option('--fail-on <severity>', 'exit with 1 from this severity on')
        .choices(['error', 'warning'] as const)
        .default('error' as const),
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
        if (fails(found, options.failOn)) process.exitCode = exit.failed
        if (options.json) return terminal.document(found)
        await printFindings(terminal, found.findings)
        await printTables(terminal, found)
        await printPartitions(terminal, found)
        await printGrowth(terminal, found)
        await printSealing(terminal, found)
        const verdict = found.ok ? styled('green', 'healthy') : styled('red', 'not healthy')
        await terminal.line('The trail is ', verdict, '.')
      }),
    )
  examples(command, [
    ['Is it?', 'auditrum status'],
    ['For monitoring', 'auditrum status --json --quiet --fail-on warning'],
  ])
}

function fails({ ok, findings }: Status, from: 'error' | 'warning'): boolean {
  return !ok || (from === 'warning' && findings.some(({ severity }) => severity === 'warning'))
}

/** Without a configuration nothing is undeclared: it is only not known what is declared. */
function declared(config: FoundConfig, found: Status): Status {
  if (config.file !== undefined) return found
  return { ...found, findings: found.findings.filter(({ code }) => code !== 'undeclared') }
}

async function printFindings(terminal: Terminal, findings: Status['findings']): Promise<void> {
  const rows = findings.flatMap(({ severity, message, why, remedy, command }) => [
    [styled(styles[severity], severity), message.endsWith('.') ? message : `${message}.`],
    ['', styled('dim', why)],
    ['', inOptions(remedy)],
    ...(command === null ? [] : [['', styled('bold', `$ ${command}`)]]),
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
    each.retention ?? 'until purged',
  ])
  const titles = ['table', 'app', 'since', 'gaps', 'kept']
  await terminal.write(`${table(titles, rows, terminal.width)}\n`)
}

async function printPartitions(terminal: Terminal, { partitions }: Status): Promise<void> {
  if (partitions.length === 0) return
  const rows = partitions.map((each) => [
    each.name,
    each.rows === null ? '?' : each.rows.toLocaleString('en'),
    bytes(each.bytes),
  ])
  const titles = ['partition', 'rows, about', 'size']
  await terminal.write(`${table(titles, rows, terminal.width)}\n`)
}

async function printGrowth(terminal: Terminal, { partitions, growth }: Status): Promise<void> {
  if (growth === null || growth.tables.length === 0) return
  const size = partitions.reduce((sum, each) => sum + each.bytes, 0)
  const forecast =
    // of less than a day it would be a guess
    growth.days < 1
      ? '; in a day it can be told how fast it grows'
      : ` and grows by ${bytes(growth.bytesPerMonth)} in 30 days, most by ${growth.tables[0]?.table}`
  await terminal.line(`The log takes ${bytes(size)}${forecast}.`)
}

async function printSealing(terminal: Terminal, { sealing }: Status): Promise<void> {
  if (sealing === null || sealing.entries === 0) return
  const { entries, sealedAt, lagSeconds } = sealing
  const last = sealedAt === null ? 'no block yet' : `the last block at ${time(sealedAt)}`
  const lag =
    lagSeconds === null
      ? ''
      : lagSeconds === 0
        ? '; no event waits to be sealed'
        : `; the oldest event that is not sealed is ${number(Math.ceil(lagSeconds), 'second')} old`
  await terminal.line(`The chain has ${number(entries, 'entry', 'entries')}, ${last}${lag}.`)
}

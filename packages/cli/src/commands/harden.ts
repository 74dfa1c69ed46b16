import type { Hardening } from '@auditrum/core'
import { quoteIdentifier, quoteLiteral } from '@auditrum/core/adapter'
import { Option } from '@commander-js/extra-typings'
import { examples } from '../examples.js'
import { exit } from '../failure.js'
import { dryRun, json, number, output, showSql } from '../options.js'
import type { Program } from '../program.js'
import { missing } from '../required.js'
import { discover, type Session, withSession } from '../session.js'
import { inOptions } from '../spelling.js'
import { grid, table } from '../table.js'
import { styled, type Terminal } from '../terminal.js'

export function harden(program: Program): void {
  const command = program
    .command('harden')
    .summary('make the log append-only for the application')
    .description(
      'Takes every right on the log from the role that the application connects as, checks that in the same transaction, and prints what each role can still do. Exits with 1 if the application could still change or silence the log.',
    )
    .option('--app-role <role>', 'what the application connects as; needed')
    .option(
      '--admin-role <role>',
      'who may read the log, make partitions and let go of what is old',
    )
    .option(
      '--take-ownership [role]',
      'hand the log to this role; without a name to the admin role, else to that of the connection',
    )
    .option(
      '--take-tables',
      'also hand the recorded tables of the application to the owner of the log',
    )
    .option('--let-read', 'let the application read the log')
    .addOption(
      new Option(
        '--forget <role>',
        'no more: have status forget a role that was meant by mistake; what was taken from it stays taken',
      ).conflicts(['appRole', 'adminRole', 'takeOwnership', 'takeTables', 'letRead', 'json']),
    )
    .addOption(dryRun())
    .addOption(output())
    .addOption(json())
    .action((options, self) => {
      const { appRole, forget } = options
      if (forget !== undefined) {
        return withSession(self.optsWithGlobals(), (session) =>
          forgetRole(session, forget, options),
        )
      }
      if (appRole === undefined) missing(self, '--app-role <role>')
      return withSession(self.optsWithGlobals(), async (session) => {
        const { audit, terminal } = session
        await discover(session)
        const { adminRole, takeOwnership, takeTables, letRead } = options
        const run = (isDry: boolean) =>
          audit.harden({ appRole, adminRole, takeOwnership, takeTables, letRead, dryRun: isDry })
        const isShown = await showSql(terminal, options, async () => (await run(true)).sql)
        if (isShown) return
        const done = await terminal.waiting('Hardening', () => run(false))
        if (!done.ok) process.exitCode = exit.failed
        if (options.json) {
          const { sql: _, ...told } = done
          return terminal.document(told)
        }
        for (const statement of done.changes) terminal.detail(statement)
        terminal.note(
          done.changes.length === 0
            ? 'Nothing was to do.'
            : `${number(done.changes.length, 'statement was', 'statements were')} run, and the result was checked.`,
        )
        await printRights(terminal, done)
        await printGaps(terminal, done)
      })
    })
  examples(command, [
    [
      'Let the application append, and auditors read',
      'auditrum harden --app-role shop --admin-role auditors',
    ],
    ['See the SQL first', 'auditrum harden --app-role shop --dry-run'],
    ['That was the wrong role', 'auditrum harden --forget shop --dry-run'],
  ])
}

async function forgetRole(
  { audit, terminal }: Session,
  role: string,
  options: Parameters<typeof showSql>[1],
): Promise<void> {
  const call = `SELECT ${quoteIdentifier(audit.schema)}.forget_hardening(${quoteLiteral(role)});\n`
  if (await showSql(terminal, options, async () => call)) return
  await audit.forgetHardening(role)
  terminal.note(`${role} is forgotten. What was taken from it stays taken.`)
}

async function printRights(terminal: Terminal, { rights }: Hardening): Promise<void> {
  const roles = Object.keys(rights[0]?.roles ?? {})
  const rows = rights.map(({ label, roles: by }) => [
    `may ${label}`,
    ...roles.map((role) => answer(by[role] ?? [])),
  ])
  await terminal.write(`${table(['', ...roles], rows, terminal.width)}\n`)
}

function answer(how: readonly string[]): string {
  if (how.length === 0) return 'no'
  const [first, ...more] = how
  return more.length === 0 ? `yes: ${first}` : `yes: ${first}, and ${more.length} more`
}

async function printGaps(terminal: Terminal, { ok, gaps, appRole }: Hardening): Promise<void> {
  const rows = gaps.flatMap(({ message, remedy }) => [
    [styled('red', 'open'), `${message}.`],
    ['', styled('dim', inOptions(remedy))],
  ])
  if (rows.length > 0) await terminal.write(`${grid(rows, terminal.width)}\n`)
  const verdict = ok ? styled('green', 'can only append') : styled('red', 'can get around the log')
  await terminal.line(`${appRole} `, verdict, '.')
}

import { type TableVerification, type UnloggedChange, UsageError } from '@auditrum/core'
import { actor } from '../actor.js'
import { examples } from '../examples.js'
import { exit } from '../failure.js'
import { json, limit, number } from '../options.js'
import { rowName, time } from '../people.js'
import type { Program } from '../program.js'
import { withSession } from '../session.js'
import { styled, type Terminal } from '../terminal.js'

export function verifyTables(program: Program): void {
  const command = program
    .command('verify-tables')
    .summary('is every change in the log?')
    .description(
      'Compares tables with their log, by checksums, and names the rows whose last change was not recorded: a trigger was disabled, a replica role wrote, a backup was restored. Exits with 1 if there are any. Once you have looked at them, --accept takes note of them in the log: as found, by whom and why.',
    )
    .argument('[table]', 'as orders or billing.orders; all recorded tables without it')
    .option('--limit <number>', 'name at most so many rows of each table; 100 without it', limit)
    .option('--accept', 'have the log take note of what is found in the table, for a --reason')
    .option('--reason <text>', 'with --accept: how the changes came about')
    .option('--user <id>', 'on whose behalf they are accepted: the user_id of the context')
    .addOption(json())
    .action((table, options, self) =>
      withSession(self.optsWithGlobals(), async ({ audit, terminal }) => {
        if (options.accept) {
          const { reason, user } = options
          if (table === undefined || reason === undefined) {
            throw new UsageError(
              `--accept takes note of what was found in one table, for a reason, and ${table === undefined ? 'no table' : 'no --reason'} was given. Name them, as in: auditrum verify-tables orders --accept --reason 'restored from the backup of 3 May'.`,
            )
          }
          const done = await terminal.waiting('Comparing', () =>
            actor({ user }, () => audit.acceptUnlogged(table, { reason })),
          )
          if (options.json) return terminal.document(done)
          terminal.note(
            `${number(done.inserted + done.updated + done.deleted, 'change')} of ${done.table} noted as found: ${done.inserted} inserted, ${done.updated} updated, ${done.deleted} deleted.`,
          )
          if (done.more > 0) terminal.note(`There are ${done.more} more: run it again.`)
          return
        }
        const found = await terminal.waiting('Comparing', () =>
          audit.verifyTables(table, { limit: options.limit }),
        )
        if (!found.ok) process.exitCode = exit.failed
        if (options.json) return terminal.document(found)
        for (const each of found.tables) await print(terminal, each)
        if (found.tables.length === 0) terminal.note('No table is recorded.')
        const [wrong] = found.tables.filter(({ problems, more }) => problems.length + more > 0)
        if (wrong) {
          terminal.note(
            `Find out how that came about. What is to stay as it is goes on record by: auditrum verify-tables ${wrong.table} --accept --reason '…'`,
          )
        }
      }),
    )
  examples(command, [
    ['Is anything missing?', 'auditrum verify-tables'],
    ['In one table, for a program', 'auditrum verify-tables orders --json'],
    [
      'It was looked at, and may stay',
      "auditrum verify-tables orders --accept --reason 'restored from the backup of 3 May'",
    ],
  ])
}

async function print(terminal: Terminal, found: TableVerification): Promise<void> {
  const { table, rows, problems, more, unreadable } = found
  if (unreadable !== null) {
    return terminal.line(`${table}  `, styled('red', 'not compared'), `  ${unreadable}`)
  }
  const missing = problems.length + more
  const verdict =
    missing === 0 ? styled('green', 'ok') : styled('red', `${number(missing, 'row')} not as logged`)
  await terminal.line(
    `${table}  `,
    verdict,
    `  ${[number(rows, 'row'), ...remarks(found)].join(', ')}`,
  )
  for (const problem of problems) await terminal.line(`  ${described(table, problem)}`)
  if (more > 0) terminal.note(`There are ${more} more: give a larger --limit.`)
}

function remarks({
  partial,
  unknown,
  approximate,
  complete,
}: TableVerification): readonly string[] {
  return [
    partial > 0 && `${partial} known in part`,
    unknown > 0 && `${unknown} unknown to the log`,
    approximate.length > 0 && `not compared: ${approximate.join(', ')}`,
    !complete && partial + unknown === 0 && 'rows that are gone are not all accounted for',
  ].filter((remark) => remark !== false)
}

const kinds: Readonly<Record<UnloggedChange['kind'], string>> = {
  unlogged_insert: 'inserted',
  unlogged_update: 'updated',
  unlogged_delete: 'deleted',
}

function described(table: string, { kind, id, columns, after, gap }: UnloggedChange): string {
  return [
    `${rowName({ table, objectId: id })} was ${kinds[kind]} unrecorded`,
    columns && `(${columns.join(', ')})`,
    after && `after ${time(after)}`,
    gap && 'in a gap that the log knows of',
  ]
    .filter(Boolean)
    .join(' ')
}

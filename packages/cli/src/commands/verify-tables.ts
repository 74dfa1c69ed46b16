import type { TableVerification, UnloggedChange } from '@auditrum/core'
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
      'Compares tables with their log, by checksums, and names the rows whose last change was not recorded: a trigger was disabled, a replica role wrote, a backup was restored. Exits with 1 if there are any.',
    )
    .argument('[table]', 'as orders or billing.orders; all recorded tables without it')
    .option('--limit <number>', 'name at most so many rows of each table; 100 without it', limit)
    .addOption(json())
    .action((table, options, self) =>
      withSession(self.optsWithGlobals(), async ({ audit, terminal }) => {
        const found = await terminal.waiting('Comparing', () =>
          audit.verifyTables(table, { limit: options.limit }),
        )
        if (!found.ok) process.exitCode = exit.failed
        if (options.json) return terminal.document(found)
        for (const each of found.tables) await print(terminal, each)
        if (found.tables.length === 0) terminal.note('No table is recorded.')
      }),
    )
  examples(command, [
    ['Is anything missing?', 'auditrum verify-tables'],
    ['In one table, for a program', 'auditrum verify-tables orders --json'],
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

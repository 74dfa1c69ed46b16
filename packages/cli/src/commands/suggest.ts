import type { Suggestions } from '@auditrum/core'
import { examples } from '../examples.js'
import { count, json, number } from '../options.js'
import { bytes } from '../people.js'
import type { Program } from '../program.js'
import { withSession } from '../session.js'
import { grid, table } from '../table.js'
import { styled, type Terminal } from '../terminal.js'

/** Columns of a table that are shown: the costly ones. */
const SHOWN = 5

export function suggest(program: Program): void {
  const command = program
    .command('suggest')
    .summary('what makes the log grow, and what would make it smaller')
    .description(
      'Tells from a sample of the last days which tables and columns make the log grow, and which declarations would make it smaller. It changes nothing.',
    )
    .option('--days <number>', 'how many days to look at', count, 30)
    .addOption(json())
    .action((options, self) =>
      withSession(self.optsWithGlobals(), async ({ audit, terminal }) => {
        const { days } = options
        const found = await terminal.waiting('Looking at the log', () => audit.suggest({ days }))
        if (options.json) return terminal.document(found)
        await printColumns(terminal, found)
        await printSuggestions(terminal, found)
        terminal.note(
          found.days < 1
            ? `This is a guess: it was told from ${number(found.sampled, 'event')} of less than a day.`
            : `The log grows by ${bytes(found.bytesPerMonth)} in 30 days, told from ${number(found.sampled, 'event')} of ${Math.round(found.days)} days.`,
        )
      }),
    )
  examples(command, [
    ['What takes the room?', 'auditrum suggest'],
    ['Of the last week', 'auditrum suggest --days 7'],
  ])
}

async function printColumns(terminal: Terminal, { tables, days }: Suggestions): Promise<void> {
  if (tables.length === 0) return
  const rows = tables.flatMap((each) => [
    [each.table, '', bytes(each.bytesPerMonth), tableNote(each, days)],
    ...each.columns
      .slice(0, SHOWN)
      .map(({ column, bytesPerMonth, changedAlone }) => [
        '',
        column,
        bytes(bytesPerMonth),
        changedAlone === 0 ? '' : `changes alone in ${Math.round(changedAlone * 100)} % of updates`,
      ]),
  ])
  await terminal.write(`${table(['table', 'column', 'in 30 days', ''], rows, terminal.width)}\n`)
}

function tableNote(
  { eventsPerDay, bytesKept }: Suggestions['tables'][number],
  days: number,
): string {
  // years are not told from an hour
  const kept =
    bytesKept === null || days < 1 ? '' : `, ${bytes(bytesKept)} when its retention is full`
  return `${number(Math.round(eventsPerDay), 'event')} a day${kept}`
}

async function printSuggestions(terminal: Terminal, { suggestions }: Suggestions): Promise<void> {
  const rows = suggestions.flatMap(({ saves, message, remedy }) => [
    [styled('cyan', `-${bytes(saves)}`), `${message}.`],
    ['', styled('dim', remedy)],
  ])
  if (rows.length > 0) await terminal.write(`${grid(rows, terminal.width)}\n`)
}

import type { BlameLine } from '@auditrum/core'
import { examples } from '../examples.js'
import { exit } from '../failure.js'
import { keysErasedUntil, tellKeysErased } from '../known.js'
import { json } from '../options.js'
import { format, formatOf, named, rowId, rowName, time, who } from '../people.js'
import type { Program } from '../program.js'
import { withSession } from '../session.js'
import { grid, table } from '../table.js'
import { type Piece, styled } from '../terminal.js'

export function blame(program: Program): void {
  const command = program
    .command('blame')
    .summary('who gave each column of a row its value, and why')
    .description(
      'Prints who gave each column of a row its present value, when and why; of a row that is gone, who deleted it. Exits with 1 where the log knows no such row.',
    )
    .argument('<table>', 'as orders or billing.orders')
    .argument('<id>', 'the row’s key; a composite one as JSON: [7, 2]')
    .argument('[column]', 'only this one')
    .addOption(format())
    .addOption(json())
    .action((tableName, id, column, options, self) =>
      withSession(self.optsWithGlobals(), async ({ audit, terminal }) => {
        const lines = await terminal.waiting('Reading the log', () =>
          audit.blame(tableName, rowId(id), { column, labels: true }),
        )
        const chosen = formatOf(options, terminal)
        if (lines.length === 0) {
          process.exitCode = exit.failed
          const until = await keysErasedUntil(audit, tableName, rowId(id))
          const notFound = `The log has no change of a row ${id} of ${tableName}.`
          if (until !== undefined) tellKeysErased(terminal, notFound, until)
          else if (chosen !== 'json') terminal.note(notFound)
        }
        if (chosen === 'json') return terminal.document(lines)
        if (lines.length === 0) return
        if (chosen === 'text') {
          for (const each of lines) await terminal.line(...line(each))
          return
        }
        const label = await audit.label(tableName, rowId(id))
        const name = rowName({ table: tableName, objectId: id, label })
        await terminal.write(grid([[styled('bold', name)]], terminal.width))
        const rows = lines.map((each) => [
          styled('cyan', each.column ?? '(row)'),
          shown(each),
          since(each),
          whoOf(each),
          each.changeReason ?? '',
          styled('dim', each.eventId ?? ''),
        ])
        const titles = ['column', 'value', 'since', 'who', 'why', 'event']
        await terminal.write(table(titles, rows, terminal.width))
      }),
    )
  examples(command, [
    ['Who gave order 42 its values?', 'auditrum blame orders 42'],
    ['Who set its status, and why?', 'auditrum blame orders 42 status'],
    ['A row with a composite key', "auditrum blame order_items '[7, 2]'"],
    ['For a program', 'auditrum blame orders 42 --json'],
  ])
}

function line(each: BlameLine): readonly Piece[] {
  return [
    styled('yellow', each.eventId ?? '-'),
    ` (${[whoOf(each), since(each), each.operation].filter(Boolean).join(' ')}) `,
    styled('cyan', each.column ?? '(row)'),
    ': ',
    ...shown(each),
    each.changeReason === null ? '' : styled('dim', `  # ${each.changeReason}`),
  ]
}

function shown(each: BlameLine): readonly Piece[] {
  if (each.column === null) {
    return [styled('red', each.operation === 'update' ? 'has another key since' : 'deleted')]
  }
  if (each.masked) return [styled('dim', each.erased ? 'erased' : 'masked')]
  return named(each.value, each.label)
}

/** What is older than the log has may have been in what was purged of it. */
function since({ changedAt, purgedUntil }: BlameLine): string {
  return changedAt === null && purgedUntil !== null
    ? `purged until ${time(purgedUntil)}`
    : time(changedAt)
}

/** Nobody is known of what is older than the log. */
function whoOf(each: BlameLine): string {
  return each.eventId === null ? '' : who(each)
}

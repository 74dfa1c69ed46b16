import type { RowDifference } from '@auditrum/core'
import { examples } from '../examples.js'
import { tellKnown } from '../known.js'
import { momentOf } from '../moment.js'
import { json, limit } from '../options.js'
import { differencesOf, format, formatOf, inLine, rowId, rowName } from '../people.js'
import { block, forEach } from '../print-events.js'
import type { Program } from '../program.js'
import { withSession } from '../session.js'
import { styled, type Terminal } from '../terminal.js'

export function compare(program: Program): void {
  const command = program
    .command('compare')
    .summary('what differs between two moments')
    .description(
      'Prints the rows of a table that differ between two moments, or what differs in one row. Rows are followed through changes of their key.',
    )
    .argument('<table>', 'as orders or billing.orders')
    .argument('<from>', "2026-11-01, yesterday, '2 hours ago', event:4711, transaction:4711")
    .argument('[to]', 'the same; now without it')
    .option('--id <id>', 'only this row; a composite key as JSON: [7, 2]')
    .option('--limit <number>', 'at most so many rows', limit)
    .addOption(format())
    .addOption(json())
    .action((table, from, to, options, self) =>
      withSession(self.optsWithGlobals(), async ({ audit, pool, terminal }) => {
        const earlier = await momentOf(pool, terminal, from)
        const later = await momentOf(pool, terminal, to ?? 'now')
        const chosen = formatOf(options, terminal)
        const print = (row: RowDifference) => printers[chosen](terminal, table, row)
        if (options.id !== undefined) {
          const { id } = options
          const found = await terminal.waiting('Comparing', () =>
            audit.compare(table, rowId(id), earlier, later),
          )
          if (chosen === 'json') return terminal.document(found)
          if (Object.keys(found.changes).length === 0) terminal.note(nothing(found))
          else await print({ id, kind: 'update', changes: found.changes })
          return tellKnown(terminal, { complete: found.complete, since: null, approximate: [] })
        }
        const rows = await terminal.waiting('Comparing', () => audit.compare(table, earlier, later))
        let number = 0
        const isMore = await forEach(
          terminal,
          rows,
          options.limit ?? Number.POSITIVE_INFINITY,
          (row) => {
            number++
            return print(row)
          },
        )
        if (number === 0) terminal.note(nothing(rows))
        if (isMore) terminal.note('There are more rows: give a larger --limit.')
        tellKnown(terminal, rows)
      }),
    )
  examples(command, [
    ['What changed in orders since yesterday?', 'auditrum compare orders yesterday'],
    ['What changed in order 42 in an hour?', "auditrum compare orders '2 hours' '1 hour' --id 42"],
  ])
}

/** Of what is not known nobody can tell. */
function nothing({ complete }: { readonly complete: boolean }): string {
  return complete ? 'Nothing differs.' : 'Nothing differs of what is known.'
}

type Print = (terminal: Terminal, table: string, row: RowDifference) => Promise<void>

const printers: Readonly<Record<'rich' | 'text' | 'json', Print>> = {
  json: (terminal, _, row) => terminal.record(row),
  text: (terminal, table, row) =>
    terminal.line(`${titleOf(table, row)} `, ...inLine(differencesOf(row))),
  rich: (terminal, table, row) =>
    terminal.write(
      block([styled('bold', titleOf(table, row))], differencesOf(row), terminal.width),
    ),
}

function titleOf(table: string, { kind, id }: RowDifference): string {
  return `${kind} ${rowName({ table, objectId: id })}`
}

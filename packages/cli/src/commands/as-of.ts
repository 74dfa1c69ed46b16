import type { Row } from '@auditrum/core'
import { Option } from '@commander-js/extra-typings'
import { stringify } from 'lossless-json'
import { csvLine } from '../csv.js'
import { examples } from '../examples.js'
import { exit } from '../failure.js'
import { tellKeysErased, tellKnown } from '../known.js'
import { momentOf } from '../moment.js'
import { json, limit } from '../options.js'
import { rowId, value } from '../people.js'
import type { Program } from '../program.js'
import { safeLines } from '../safe-text.js'
import { withSession } from '../session.js'
import { table } from '../table.js'
import { styled, type Terminal } from '../terminal.js'

type Format = 'table' | 'json' | 'jsonl' | 'csv'

/** As many rows as a table on a terminal is read of. */
const READABLE = 200

export function asOf(program: Program): void {
  const command = program
    .command('as-of')
    .summary('a row, or a table, as it was')
    .description(
      'Prints a table, or one row of it, as it was: typed, complete, with the column names of then. What the log does not know is said on stderr. Exits with 1 where there was no such row.',
    )
    .argument('<table>', 'as orders or billing.orders')
    .argument(
      '<time>',
      "2026-11-01, yesterday, '2 hours ago'; or right after one: event:4711, transaction:4711",
    )
    .option('--id <id>', 'only this row; a composite key as JSON: [7, 2]')
    .addOption(
      new Option('--format <format>', 'how (default: table on a terminal, else json)').choices([
        'table',
        'json',
        'jsonl',
        'csv',
      ] as const),
    )
    .addOption(json())
    .option('--limit <number>', 'at most so many rows', limit)
    .option('--in-flight', 'with what transactions had done that were still under way')
    .action((tableName, at, options, self) =>
      withSession(self.optsWithGlobals(), async ({ audit, pool, terminal }) => {
        const moment = await momentOf(pool, terminal, at)
        const chosen: Format = options.json
          ? 'json'
          : (options.format ?? (terminal.isInteractive ? 'table' : 'json'))
        const consistent = !options.inFlight
        if (options.id !== undefined) {
          const id = rowId(options.id)
          const found = await terminal.waiting('Reading the past', () =>
            audit.rowAsOf(tableName, id, moment, { details: true, consistent }),
          )
          if (found.row === null) {
            process.exitCode = exit.failed
            if (found.keysErasedUntil !== undefined) {
              const notFound = `The log knows of no row ${options.id} of ${tableName} then.`
              return tellKeysErased(terminal, notFound, found.keysErasedUntil)
            }
            terminal.note(`${tableName} had no row ${options.id} then.`)
          } else if (chosen === 'json') await terminal.document(found.row)
          else await print(terminal, chosen, Object.keys(found.row), [found.row])
          return tellKnown(terminal, found)
        }
        const rows = await terminal.waiting('Reading the past', () =>
          audit.tableAsOf(tableName, moment, { consistent }),
        )
        const most = options.limit ?? (chosen === 'table' ? READABLE : Number.POSITIVE_INFINITY)
        let isMore = false
        const shown = limited(rows, most, () => {
          isMore = true
        })
        await print(terminal, chosen, rows.columns, shown)
        if (isMore) terminal.note(`There are more rows: give a --limit above ${most}.`)
        tellKnown(terminal, rows)
      }),
    )
  examples(command, [
    ['Order 42 as it was yesterday', 'auditrum as-of orders yesterday --id 42'],
    ['The whole table, as CSV', "auditrum as-of orders '2 hours ago' --format csv"],
    ['The same for a program', "auditrum as-of orders '2 hours ago' --format jsonl"],
  ])
}

async function* limited(
  rows: AsyncIterable<Row>,
  limit: number,
  tellOfMore: () => void,
): AsyncGenerator<Row> {
  let left = limit
  for await (const row of rows) {
    if (left-- <= 0) return tellOfMore()
    yield row
  }
}

async function print(
  terminal: Terminal,
  format: Format,
  columns: readonly string[],
  rows: Iterable<Row> | AsyncIterable<Row>,
): Promise<void> {
  if (format === 'table') {
    const all: Row[] = []
    for await (const row of rows) all.push(row)
    if (all.length === 0) return terminal.note('There were no rows.')
    const cells = all.map((row) =>
      columns.map((column) => (column in row ? value(row[column]) : styled('dim', '?'))),
    )
    return terminal.write(table(columns, cells, terminal.width))
  }
  if (format === 'csv') await writeCsv(terminal, columns)
  let isFirst = true
  for await (const row of rows) {
    if (format === 'jsonl') await terminal.record(row)
    else if (format === 'csv') {
      await writeCsv(
        terminal,
        columns.map((column) => plain(row[column])),
      )
    } else {
      // a document that is written while it is read
      await terminal.write(isFirst ? '[\n' : ',\n')
      await terminal.part(row)
    }
    isFirst = false
  }
  if (format === 'json') await terminal.write(isFirst ? '[]\n' : '\n]\n')
}

function plain(of: unknown): unknown {
  return typeof of === 'object' && of !== null ? stringify(of) : of
}

function writeCsv(terminal: Terminal, values: readonly unknown[]): Promise<void> {
  const text = csvLine(values)
  return terminal.write(terminal.isInteractive ? `${safeLines(text.trimEnd())}\n` : text)
}

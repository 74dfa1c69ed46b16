import type { AuditEvent, EventFilter } from '@auditrum/core'
import { Option } from '@commander-js/extra-typings'
import { examples } from '../examples.js'
import { timeOf } from '../moment.js'
import { count, json } from '../options.js'
import { changes, format, formatOf, rowId, time, who } from '../people.js'
import type { Program } from '../program.js'
import { withSession } from '../session.js'
import { type Cell, grid } from '../table.js'
import { styled, type Terminal } from '../terminal.js'

export function history(program: Program): void {
  const command = program
    .command('history')
    .summary('the events, newest first')
    .description('Prints the events that match, newest first: who changed which row, when and why.')
    .argument('[table]', 'as orders or billing.orders')
    .argument('[id]', 'the row’s key; a composite one as JSON: [7, 2]')
    .option('--user <id>', 'of this user_id')
    .option('--context <uuid>', 'of this context')
    .option('--root <uuid>', 'of everything that one request or job did')
    .option('--request <id>', 'of requests with this request_id')
    .option('--transaction <id>', 'of this transaction')
    .addOption(
      new Option('--operation <operation>', 'only these').choices([
        'insert',
        'update',
        'delete',
        'truncate',
        'snapshot',
      ] as const),
    )
    .option('--column <name>', 'only changes of this column')
    .option('--since <time>', "from this time on: 2026-11-01, yesterday, '2 hours ago'")
    .option('--until <time>', 'up to this time')
    .option('--limit <number>', 'at most so many', count, 50)
    .option('--all', 'without a limit')
    .option('--after <event>', 'go on behind this event')
    .addOption(
      new Option('--order <order>', 'newest or oldest first').choices(['desc', 'asc'] as const),
    )
    .addOption(format())
    .addOption(json())
    .action((tableName, id, options, self) =>
      withSession(self.optsWithGlobals(), async ({ audit, pool, terminal }) => {
        const { since, until, limit, all, format: _, json: __, ...others } = options
        const filter: EventFilter = {
          ...others,
          ...(tableName !== undefined && { table: tableName }),
          ...(id !== undefined && { id: rowId(id) }),
          ...(since !== undefined && { since: await timeOf(pool, since) }),
          ...(until !== undefined && { until: await timeOf(pool, until) }),
        }
        const print = printers[formatOf(options, terminal)]
        let left = all ? Number.POSITIVE_INFINITY : limit
        let last: AuditEvent | undefined
        // one more than shown: whether there is more
        const events = audit.history(all ? filter : { ...filter, limit: limit + 1 })
        const next = () => terminal.waiting('Reading the log', () => events.next())
        for (let found = await next(); !found.done; found = await next()) {
          if (left-- <= 0) break
          last = found.value
          await print(terminal, last)
        }
        if (last === undefined) terminal.note('There is no such event.')
        else if (left < 0) terminal.note(`There is more: --after ${last.id}, --limit or --all.`)
      }),
    )
  examples(command, [
    ['What happened to order 42?', 'auditrum history orders 42'],
    [
      'What did user 7 do in the last two hours?',
      "auditrum history --user 7 --since '2 hours ago'",
    ],
    ['Who deleted orders?', 'auditrum history orders --operation delete'],
    ['For a program: a line of JSON for each event', 'auditrum history orders --all --json'],
  ])
}

const printers = { rich: printBlock, text: printLine, json: printRecord } as const

function printRecord(terminal: Terminal, event: AuditEvent): Promise<void> {
  return terminal.record(event)
}

function printLine(terminal: Terminal, event: AuditEvent): Promise<void> {
  const { id, changedAt, operation, objectId, changeReason } = event
  const shown = changes(event).flatMap(([column, pieces]) => [', ', column, ': ', ...pieces])
  return terminal.line(
    styled('yellow', id),
    ` ${time(changedAt)} ${who(event)} ${operation} ${event.table} ${objectId ?? ''} `,
    ...shown.slice(1),
    changeReason === null ? '' : styled('dim', `  # ${changeReason}`),
  )
}

/** As `git log` has it: who, when and why, and below it what. */
async function printBlock(terminal: Terminal, event: AuditEvent): Promise<void> {
  const { id, changedAt, operation, objectId, changeReason } = event
  const head: readonly Cell[] = [
    [
      styled('yellow', `event ${id}`),
      '  ',
      styled('bold', `${operation} ${event.table} ${objectId ?? ''}`),
    ],
    [styled('dim', `${time(changedAt)}  `), who(event)],
    ...(changeReason === null ? [] : [changeReason]),
  ]
  await terminal.write(
    grid(
      head.map((line) => [line]),
      terminal.width,
    ),
  )
  const rows = changes(event).map(([column, pieces]) => ['   ', column, pieces])
  await terminal.write(`${grid(rows, terminal.width)}\n`)
}

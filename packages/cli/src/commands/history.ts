import type { AuditEvent, ChangesOf, EventFilter, RowChange } from '@auditrum/core'
import { Option } from '@commander-js/extra-typings'
import { examples } from '../examples.js'
import { exit } from '../failure.js'
import { timeOf } from '../moment.js'
import { id, json, limit, uuid } from '../options.js'
import {
  type ColumnPieces,
  changesOf,
  format,
  formatOf,
  inLine,
  netChangesOf,
  rowId,
  rowName,
  time,
  who,
} from '../people.js'
import type { Program } from '../program.js'
import { withSession } from '../session.js'
import { type Cell, grid } from '../table.js'
import { styled, type Terminal } from '../terminal.js'

export function history(program: Program): void {
  const command = program
    .command('history')
    .summary('the events, newest first')
    .description(
      'Prints the events that match, newest first: who changed which row, when and why. Of a transaction, root, request or context it prints what came of it in the end, row by row; each event with --events or --json.',
    )
    .argument('[table]', 'as orders or billing.orders')
    .argument('[id]', 'the row’s key; a composite one as JSON: [7, 2]')
    .option('--user <id>', 'of this user_id')
    .option('--context <uuid>', 'of this context', uuid)
    .option('--root <uuid>', 'of everything that one request or job did', uuid)
    .option('--request <id>', 'of requests with this request_id')
    .option('--transaction <id>', 'of this transaction', id)
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
    .option('--limit <number>', 'at most so many', limit, 50)
    .addOption(new Option('--all', 'without a limit').conflicts('limit'))
    .option('--after <event>', 'go on behind this event', id)
    .addOption(
      new Option('--order <order>', 'newest or oldest first').choices(['desc', 'asc'] as const),
    )
    .addOption(format())
    .addOption(json())
    .option('--events', 'each event, also of a transaction, root, request or context')
    .action((tableName, row, options, self) =>
      withSession(self.optsWithGlobals(), async ({ audit, pool, terminal }) => {
        const chosen = formatOf(options, terminal)
        const scope = scopeOf(options)
        // what came of it is what people want to know; programs have asked for events
        if (scope && chosen !== 'json' && !options.events && isAlone(tableName, options)) {
          const limit = options.all ? undefined : options.limit
          const rows = await printNet(terminal, chosen, audit.changes(scope), limit)
          if (rows > 0) return
          const { events } = await audit.page({ ...scope, limit: 1 })
          if (events.length > 0) {
            return terminal.note('In the end it changed nothing: --events shows each event.')
          }
          process.exitCode = exit.failed
          return terminal.note('The log has no such thing.')
        }
        const { since, until, limit, all, format: _, json: __, events: ___, ...others } = options
        const filter: EventFilter = {
          ...others,
          labels: true,
          ...(tableName !== undefined && { table: tableName }),
          ...(row !== undefined && { id: rowId(row) }),
          ...(since !== undefined && { since: await timeOf(pool, since) }),
          ...(until !== undefined && { until: await timeOf(pool, until) }),
        }
        const print = printers[chosen]
        const wanted = all ? Number.POSITIVE_INFINITY : limit
        // one more than shown: whether there is more
        const events = audit.history(all ? filter : { ...filter, limit: limit + 1 })
        let last: AuditEvent | undefined
        const isMore = await forEach(terminal, events, wanted, (event) => {
          last = event
          return print(terminal, event)
        })
        if (last === undefined) terminal.note('There is no such event.')
        else if (isMore) terminal.note(`There is more: --after ${last.id}, --limit or --all.`)
      }),
    )
  examples(command, [
    ['What happened to order 42?', 'auditrum history orders 42'],
    [
      'What did user 7 do in the last two hours?',
      "auditrum history --user 7 --since '2 hours ago'",
    ],
    ['Who deleted orders?', 'auditrum history orders --operation delete'],
    ['What came of request a1?', 'auditrum history --request a1'],
    ['For a program: a line of JSON for each event', 'auditrum history orders --all --json'],
  ])
}

const printers = { rich: printBlock, text: printLine, json: printRecord } as const

function printRecord(terminal: Terminal, event: AuditEvent): Promise<void> {
  return terminal.record(event)
}

function printLine(terminal: Terminal, event: AuditEvent): Promise<void> {
  const { id, changedAt, operation, changeReason } = event
  return terminal.line(
    styled('yellow', id),
    ` ${time(changedAt)} ${who(event)} ${operation} ${rowName(event)} `,
    ...inLine(changesOf(event)),
    changeReason === null ? '' : styled('dim', `  # ${changeReason}`),
  )
}

/** As `git log` has it: who, when and why, and below it what. */
async function printBlock(terminal: Terminal, event: AuditEvent): Promise<void> {
  const { id, changedAt, operation, changeReason } = event
  await terminal.write(
    block(
      [
        [styled('yellow', `event ${id}`), '  ', styled('bold', `${operation} ${rowName(event)}`)],
        [styled('dim', `${time(changedAt)}  `), who(event)],
        ...whence(event),
        ...(changeReason === null ? [] : [changeReason]),
      ],
      changesOf(event),
      terminal.width,
    ),
  )
}

/** Where to look for more: what else was done with it. */
function whence({ transactionId, context }: AuditEvent): readonly Cell[] {
  const { request_id: request, method, url } = context?.metadata ?? {}
  const known = [
    transactionId === null ? '' : `transaction ${transactionId}`,
    typeof request === 'string' ? `request ${request}` : '',
    typeof url === 'string' ? [method, url].filter(Boolean).join(' ') : '',
  ].filter(Boolean)
  return known.length === 0 ? [] : [styled('dim', known.join('  '))]
}

/** What a transaction, a request or a job came to: who and why once, and below it what. */
async function printNet(
  terminal: Terminal,
  format: 'rich' | 'text',
  changes: AsyncIterableIterator<RowChange>,
  limit = Number.POSITIVE_INFINITY,
): Promise<number> {
  let rows = 0
  const isMore = await forEach(terminal, changes, limit, async (change) => {
    rows++
    const { operation, userIds, changeReasons, firstAt, events } = change
    const reasons = changeReasons.join('; ')
    if (format === 'text') {
      return terminal.line(
        `${time(firstAt)} ${userIds.join(', ')} ${operation} ${rowName(change)} `,
        ...inLine(netChangesOf(change)),
        reasons === '' ? '' : styled('dim', `  # ${reasons}`),
      )
    }
    const head: Cell[] = [
      [
        styled('bold', `${operation} ${rowName(change)}`),
        styled(
          'dim',
          `  ${events.length === 1 ? `event ${events[0]}` : `${events.length} events`}`,
        ),
      ],
      [styled('dim', `${time(firstAt)}  `), userIds.join(', ')],
    ]
    await terminal.write(
      block([...head, ...(reasons === '' ? [] : [reasons])], netChangesOf(change), terminal.width),
    )
  })
  if (rows > 0) {
    terminal.note(
      `${isMore ? `There is more: --limit or --all. ` : ''}This is what came of it in the end; --events shows each event.`,
    )
  }
  return rows
}

function block(head: readonly Cell[], columns: ColumnPieces, width: number | undefined): string {
  const lines = grid(
    head.map((line) => [line]),
    width,
  )
  const rows = columns.map(([column, pieces]) => ['   ', column, pieces])
  return `${lines}${grid(rows, width)}\n`
}

/** Calls for so many; tells whether there are more. */
async function forEach<T>(
  terminal: Terminal,
  items: AsyncIterableIterator<T>,
  limit: number,
  act: (item: T) => Promise<void>,
): Promise<boolean> {
  const next = () => terminal.waiting('Reading the log', () => items.next())
  let left = limit
  for (let found = await next(); !found.done; found = await next()) {
    if (left-- <= 0) {
      await items.return?.()
      return true
    }
    await act(found.value)
  }
  return false
}

/** Whether nothing else is asked for, which only events have. */
function isAlone(tableName: string | undefined, options: object): boolean {
  const others = ['user', 'operation', 'column', 'since', 'until', 'after', 'order']
  return tableName === undefined && !others.some((name) => name in options)
}

function scopeOf({
  transaction,
  root,
  request,
  context,
}: {
  readonly transaction?: string | undefined
  readonly root?: string | undefined
  readonly request?: string | undefined
  readonly context?: string | undefined
}): ChangesOf | undefined {
  if (transaction !== undefined) return { transaction }
  if (root !== undefined) return { root }
  if (request !== undefined) return { request }
  return context === undefined ? undefined : { context }
}

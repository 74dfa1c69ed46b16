import type { AuditEvent, ChangesOf, EventFilter } from '@auditrum/core'
import { Option } from '@commander-js/extra-typings'
import { examples } from '../examples.js'
import { exit } from '../failure.js'
import { keysErasedUntil, tellKeysErased } from '../known.js'
import { timeOf } from '../moment.js'
import { id, json, limit, uuid } from '../options.js'
import { format, formatOf, rowId } from '../people.js'
import { forEach, printers, printNet } from '../print-events.js'
import type { Program } from '../program.js'
import { withSession } from '../session.js'

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
        if (last === undefined) {
          const until =
            tableName !== undefined && row !== undefined
              ? await keysErasedUntil(audit, tableName, rowId(row))
              : undefined
          const notFound = 'There is no such event.'
          if (until === undefined) terminal.note(notFound)
          else tellKeysErased(terminal, notFound, until)
        } else if (isMore) terminal.note(`There is more: --after ${last.id}, --limit or --all.`)
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

import type { AuditEvent, RowChange } from '@auditrum/core'
import { type ColumnPieces, changesOf, inLine, netChangesOf, rowName, time, who } from './people.js'
import { type Cell, grid } from './table.js'
import { styled, type Terminal } from './terminal.js'

/** How an event is printed. */
export const printers = { rich: printBlock, text: printLine, json: printRecord } as const

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
export async function printNet(
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

/** Lines, and below them columns. */
export function block(
  head: readonly Cell[],
  columns: ColumnPieces,
  width: number | undefined,
): string {
  const lines = grid(
    head.map((line) => [line]),
    width,
  )
  const rows = columns.map(([column, pieces]) => ['   ', column, pieces])
  return `${lines}${grid(rows, width)}\n`
}

/** Calls for so many; tells whether there are more. */
export async function forEach<T>(
  terminal: Terminal,
  items: AsyncIterable<T>,
  limit: number,
  act: (item: T) => Promise<void>,
): Promise<boolean> {
  const rows = items[Symbol.asyncIterator]()
  const next = () => terminal.waiting('Reading the log', () => rows.next())
  let left = limit
  for (let found = await next(); !found.done; found = await next()) {
    if (left-- <= 0) {
      await rows.return?.()
      return true
    }
    await act(found.value)
  }
  return false
}

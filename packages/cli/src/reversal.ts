import type { Reversal } from '@auditrum/core'
import { time, value } from './people.js'
import { table } from './table.js'
import { type Style, styled, type Terminal } from './terminal.js'

type Step = Reversal['steps'][number]
type Conflict = Reversal['conflicts'][number]

const styles: Readonly<Record<Step['outcome'], Style>> = {
  done: 'green',
  planned: 'cyan',
  forced: 'red',
  skipped: 'yellow',
  unchanged: 'dim',
}

/** What an undo did, or would do. */
export async function printSteps(terminal: Terminal, steps: readonly Step[]): Promise<void> {
  if (steps.length === 0) return
  const rows = steps.map(({ outcome, operation, table: name, objectId, columns, eventId }) => [
    styled(styles[outcome], outcome),
    `${operation} ${name} ${objectId ?? ''}`,
    columns.join(', '),
    styled('dim', eventId),
  ])
  await terminal.write(table(['', 'row', 'columns', 'event'], rows, terminal.width))
}

/** What somebody changed since, beside what the undo would make of it. */
export async function printConflicts(
  terminal: Terminal,
  conflicts: readonly Conflict[],
): Promise<void> {
  if (conflicts.length === 0) return
  const rows = conflicts.map((each) => [
    `${each.table} ${each.objectId ?? ''}`,
    styled('cyan', each.column ?? '(row)'),
    value(each.expected),
    value(each.present),
    value(each.wanted),
    changedBy(each),
  ])
  const titles = ['row', 'column', 'it left', 'now', 'would be', 'changed by']
  await terminal.write(table(titles, rows, terminal.width))
}

function changedBy({ changedBy: by }: Conflict): string {
  if (!by) return ''
  const why = by.changeReason === null ? '' : `: ${by.changeReason}`
  return `${by.userId ?? 'somebody'}, ${time(by.changedAt)}, event ${by.eventId}${why}`
}

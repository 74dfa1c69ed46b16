import type { Reversal } from '@auditrum/core'
import { rowName, time, value } from './people.js'
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

/** As many as people read. */
export const SHOWN = 200

/** What an undo did, or would do. */
export async function printSteps(terminal: Terminal, steps: readonly Step[]): Promise<void> {
  if (steps.length === 0) return
  const rows = steps
    .slice(0, SHOWN)
    .map((step) => [
      styled(styles[step.outcome], step.outcome),
      `${step.operation} ${rowName(step)}`,
      step.columns.join(', '),
      styled('dim', step.eventId),
    ])
  await terminal.write(table(['', 'row', 'columns', 'event'], rows, terminal.width))
  tellOfMore(terminal, steps.length)
}

/** What somebody changed since, beside what the undo would make of it. */
export async function printConflicts(
  terminal: Terminal,
  conflicts: readonly Conflict[],
  isAside = false,
): Promise<void> {
  if (conflicts.length === 0) return
  const rows = conflicts
    .slice(0, SHOWN)
    .map((each) => [
      rowName(each),
      styled('cyan', each.column ?? '(row)'),
      value(each.expected),
      value(each.present),
      value(each.wanted),
      changedBy(each),
    ])
  const titles = ['row', 'column', 'it left', 'now', 'would be', 'changed by']
  const text = table(titles, rows, terminal.width)
  if (isAside) terminal.aside(text)
  else await terminal.write(text)
  tellOfMore(terminal, conflicts.length)
}

function tellOfMore(terminal: Terminal, number: number): void {
  if (number > SHOWN) terminal.note(`And ${number - SHOWN} more: --json has them all.`)
}

function changedBy({ changedBy: by }: Conflict): string {
  if (!by) return ''
  const why = by.changeReason === null ? '' : `: ${by.changeReason}`
  return `${by.userId ?? `(role ${by.dbUser})`}, ${time(by.changedAt)}, event ${by.eventId}${why}`
}

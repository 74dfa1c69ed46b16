import type { AuditEvent, BlameLine } from '@auditrum/knex'

export function title(text: string): void {
  console.log(`\n${text}\n${'-'.repeat(text.length)}`)
}

export async function printHistory(events: AsyncIterable<AuditEvent>): Promise<void> {
  const rows: string[][] = []
  for await (const event of events) {
    rows.push([
      event.changedAt.slice(11, 23),
      event.operation,
      `${event.table} ${event.objectId}`,
      who(event.userId, event.source, event.dbUser),
      event.changeReason ?? '',
      changes(event),
    ])
  }
  printTable(['time', 'operation', 'row', 'who', 'why', 'what'], rows)
}

export function printBlame(lines: readonly BlameLine[]): void {
  printTable(
    ['column', 'value', 'since', 'who', 'why'],
    lines.map((line) => [
      line.column ?? '(row)',
      String(line.value),
      line.changedAt?.slice(11, 23) ?? 'before the log',
      who(line.userId, line.source, line.dbUser),
      line.changeReason ?? '',
    ]),
  )
}

/** The user; where there is none, where it came from; where nobody said, the role. */
function who(userId: string | null, source: unknown, role: string | null): string {
  if (userId !== null) return userId
  return source ? `(${source})` : role === null ? '' : `(role ${role})`
}

function changes({ operation, diff, masked }: AuditEvent): string {
  if (operation !== 'update') return ''
  const shown = Object.entries(diff).map(
    ([column, pair]) => `${column}: ${String(pair?.old)} -> ${String(pair?.new)}`,
  )
  return [...shown, ...masked.map((column) => `${column}: (masked)`)].join(', ')
}

function printTable(head: string[], rows: string[][]): void {
  const widths = head.map((cell, column) =>
    Math.max(cell.length, ...rows.map((row) => row[column]?.length ?? 0)),
  )
  for (const row of [head, ...rows]) {
    console.log(
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
  }
}

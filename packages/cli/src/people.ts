import type { AuditEvent, RowChange, RowDifference, RowId } from '@auditrum/core'
import { Option } from '@commander-js/extra-typings'
import { parse, stringify } from 'lossless-json'
import { type Piece, styled, type Terminal } from './terminal.js'

/** How long a value may be in a table; the whole of it is in JSON. */
const LONGEST = 200

/** How an answer is printed: for people, one line each, or for programs. */
export const format = () =>
  new Option(
    '--format <format>',
    'a table, or a line for each (default: rich on a terminal, else text)',
  ).choices(['rich', 'text', 'json'] as const)

/** The format that was asked for, or that fits. */
export function formatOf(
  options: {
    readonly format?: 'rich' | 'text' | 'json' | undefined
    readonly json?: true | undefined
  },
  terminal: Terminal,
): 'rich' | 'text' | 'json' {
  if (options.json) return 'json'
  return options.format ?? (terminal.isInteractive ? 'rich' : 'text')
}

/** A row's key as given on the command line: a text, or JSON for a composite one. */
export function rowId(text: string): RowId {
  if (!/^\s*[[{]/.test(text)) return text
  try {
    // numbers keep all their digits
    return parse(text, null, { parseNumber: (digits) => digits }) as RowId
  } catch {
    return text
  }
}

/** Who it was: the user; else what is known of where it came from; else the role. */
export function who(by: {
  readonly userId: string | null
  readonly source: string | null
  readonly dbUser: string | null
  readonly context?: AuditEvent['context']
}): string {
  if (by.userId !== null) return by.userId
  const username = by.context?.metadata?.username
  if (typeof username === 'string' && username !== '')
    return `${username}${by.source === null ? '' : ` (${by.source})`}`
  if (by.source !== null) return `(${by.source})`
  return by.dbUser === null ? '' : `(role ${by.dbUser})`
}

/** A time to the millisecond, in UTC. */
export function time(iso: string | null): string {
  return iso === null ? 'before the log' : `${iso.slice(0, 10)} ${iso.slice(11, 23)}Z`
}

/** A size, in decimal units as disks are sold. */
export function bytes(of: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB']
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, of)) / 3))
  const size = of / 1000 ** power
  return `${size.toLocaleString('en', { maximumFractionDigits: size < 10 && power > 0 ? 1 : 0 })} ${units[power]}`
}

/** A value as people read it. */
export function value(of: unknown): Piece {
  if (of === null || of === undefined) return styled('dim', 'null')
  const text = typeof of === 'object' ? (stringify(of) ?? '') : String(of)
  if (text.length <= LONGEST) return text
  // not between the halves of a character
  const start = text.slice(0, LONGEST).replace(/[\ud800-\udbff]$/, '')
  return `${start}… (${text.length.toLocaleString('en')} characters)`
}

/** A value, and what people call the row that it refers to. */
export function named(of: unknown, label: string | null | undefined): readonly Piece[] {
  return label == null ? [value(of)] : [value(of), styled('dim', ` (${label})`)]
}

/** A row as people call it. */
export function rowName(row: {
  readonly schema?: string
  readonly table: string
  readonly objectId: string | null
  readonly label?: string | null
}): string {
  const { schema = 'public', table, objectId, label } = row
  return [
    schema === 'public' ? table : `${schema}.${table}`,
    objectId,
    label == null ? null : `"${label}"`,
  ]
    .filter(Boolean)
    .join(' ')
}

/** Columns and what became of them, to be printed below each other or in a line. */
export type ColumnPieces = readonly (readonly [column: Piece, pieces: readonly Piece[]])[]

/** What an event changed: the value, or `old -> new`. */
export function changesOf({ operation, diff, masked, ...event }: AuditEvent): ColumnPieces {
  if (operation === 'snapshot') {
    const noted = Object.entries(event.new ?? {})
    return noted.map(([column, now]) => [styled('cyan', column), [value(now)]] as const)
  }
  const pairs = Object.entries(diff).map(([column, change]) => ({
    column,
    before: named(change?.old, change?.oldLabel),
    after: named(change?.new, change?.newLabel),
  }))
  return columnPieces(operation, pairs, masked, event.redacted)
}

/** What came of all changes of a row, in the same form. */
export function netChangesOf({
  operation,
  changes,
  masked,
}: Pick<RowChange, 'operation' | 'changes' | 'masked'>): ColumnPieces {
  const pairs = Object.entries(changes).map(([column, change]) => ({
    column,
    before: named(change?.from, change?.fromLabel),
    after: named(change?.to, change?.toLabel),
  }))
  return columnPieces(operation, pairs, masked)
}

/** How a row differs between two moments, in the same form. */
export function differencesOf({ kind, changes }: RowDifference): ColumnPieces {
  return netChangesOf({ operation: kind, changes, masked: [] })
}

function columnPieces(
  operation: AuditEvent['operation'],
  pairs: readonly {
    readonly column: string
    readonly before: readonly Piece[]
    readonly after: readonly Piece[]
  }[],
  masked: readonly string[],
  erased: readonly string[] = [],
): ColumnPieces {
  const shown = pairs.map(({ column, before, after }) => {
    const pieces =
      operation === 'update'
        ? [...before, ' -> ', ...after]
        : operation === 'delete'
          ? before
          : after
    return [styled('cyan', column), pieces] as const
  })
  const hidden = masked.map(
    (column) =>
      [
        styled('cyan', column),
        [styled('dim', erased.includes(column) ? 'erased' : 'masked')],
      ] as const,
  )
  return [...shown, ...hidden]
}

/** The same in one line. */
export function inLine(columns: ColumnPieces): readonly Piece[] {
  return columns.flatMap(([column, pieces]) => [', ', column, ': ', ...pieces]).slice(1)
}

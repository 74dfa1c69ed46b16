import type { AuditEvent, RowId } from '@auditrum/core'
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

/** Who it was: the user; else where it came from; else the role. */
export function who(by: {
  readonly userId: string | null
  readonly source: string | null
  readonly dbUser: string | null
}): string {
  if (by.userId !== null) return by.userId
  if (by.source !== null) return `(${by.source})`
  return by.dbUser === null ? '' : `(role ${by.dbUser})`
}

/** A time to the millisecond, in UTC. */
export function time(iso: string | null): string {
  return iso === null ? 'before the log' : `${iso.slice(0, 10)} ${iso.slice(11, 23)}Z`
}

/** A value as people read it. */
export function value(of: unknown): Piece {
  if (of === null || of === undefined) return styled('dim', 'null')
  const text = typeof of === 'string' ? of : (stringify(of) ?? '')
  return text.length > LONGEST
    ? `${text.slice(0, LONGEST)}… (${text.length.toLocaleString('en')} characters)`
    : text
}

/** What an event changed, by column: the value, or `old -> new`. */
export function changes(event: AuditEvent): readonly (readonly [Piece, readonly Piece[]])[] {
  const { operation, diff, masked } = event
  const shown = Object.entries(diff).map(([column, pair]) => {
    const [old, now] = [value(pair?.old), value(pair?.new)]
    const pieces =
      operation === 'update' ? [old, ' -> ', now] : [operation === 'delete' ? old : now]
    return [styled('cyan', column), pieces] as const
  })
  return [
    ...shown,
    ...masked.map((column) => [styled('cyan', column), [styled('dim', 'masked')]] as const),
  ]
}

import Table from 'cli-table3'
import width from 'fast-string-width'
import { wrapAnsi } from 'fast-wrap-ansi'
import { type Piece, rendered, styled } from './terminal.js'

export type Cell = Piece | readonly Piece[]

const GAP = '  '
/** Columns narrower than this are hard to read; then each value gets a line of its own. */
const NARROWEST = 10
/** Words that are longer are broken. */
const LONGEST_WORD = 24

/**
 * Rows below their titles, no line wider than the terminal: what is too long is wrapped, and where
 * even that does not do, each row becomes a list of its columns.
 *
 * @param limit columns of the terminal; undefined for no limit.
 */
export function table(
  titles: readonly string[],
  rows: readonly (readonly Cell[])[],
  limit: number | undefined,
): string {
  const head = titles.map((title) => styled('bold', title))
  const all = [head, ...rows].map((row) => row.map(drawn))
  const widths = fitted(all, limit)
  if (widths) return layout(all, widths)
  return rows
    .map((row) =>
      grid(
        head.map((title, at) => [title, row[at] ?? '']),
        limit,
      ),
    )
    .join('\n')
}

/** Rows without titles; where there is no room for all columns, the last one gives way. */
export function grid(rows: readonly (readonly Cell[])[], limit: number | undefined): string {
  if (rows.length === 0) return ''
  const all = rows.map((row) => row.map(drawn))
  return layout(all, fitted(all, limit) ?? squeezed(all, limit ?? 0))
}

/** Widths that fit side by side; undefined where there are too many columns. */
function fitted(
  rows: readonly (readonly string[])[],
  limit = Number.POSITIVE_INFINITY,
): readonly number[] | undefined {
  const widths = natural(rows)
  const floors = natural(rows.map((row) => row.map(longestWord))).map((floor) =>
    Math.min(LONGEST_WORD, Math.max(NARROWEST, floor)),
  )
  // a terminal breaks the line behind a character in its last column
  for (let excess = total(widths) - (limit - 1); excess > 0; excess--) {
    const spare = widths.map((each, at) => each - (floors[at] ?? 0))
    const largest = Math.max(...spare)
    if (largest <= 0) return undefined
    const widest = spare.indexOf(largest)
    widths[widest] = (widths[widest] ?? 0) - 1
  }
  return widths
}

function longestWord(cell: string): string {
  return cell.split(' ').reduce((longest, word) => (width(word) > width(longest) ? word : longest))
}

function squeezed(rows: readonly (readonly string[])[], limit: number): readonly number[] {
  const widths = natural(rows)
  const last = widths.pop() ?? 0
  return [...widths, Math.max(NARROWEST, last - (total([...widths, last]) - (limit - 1)))]
}

function natural(rows: readonly (readonly string[])[]): number[] {
  const columns = Math.max(...rows.map((row) => row.length))
  return Array.from({ length: columns }, (_, at) =>
    Math.max(...rows.map((row) => width(row[at] ?? ''))),
  )
}

function total(widths: readonly number[]): number {
  return widths.reduce((sum, each) => sum + each, 0) + GAP.length * (widths.length - 1)
}

function layout(rows: readonly (readonly string[])[], widths: readonly number[]): string {
  const none = ['top', 'bottom', 'left', 'right', 'mid'].flatMap((side) =>
    ['', '-mid', '-left', '-right'].map((part) => [side + part, '']),
  )
  const drawing = new Table({
    chars: { ...Object.fromEntries(none), middle: GAP },
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  })
  drawing.push(...rows.map((row) => row.map((cell, at) => wrapped(cell, widths[at] ?? 0))))
  return `${drawing.toString().replace(/ +$/gm, '')}\n`
}

function wrapped(cell: string, limit: number): string {
  return width(cell) <= limit ? cell : wrapAnsi(cell, limit, { hard: true })
}

function drawn(cell: Cell): string {
  return rendered(...(typeof cell === 'string' || 'text' in cell ? [cell as Piece] : cell))
}

import { once } from 'node:events'
import { styleText } from 'node:util'
import { spinner } from '@clack/prompts'
import { stringify } from 'lossless-json'
import { safeJson, safeLines, safeText } from './safe-text.js'

/** A text of whatever origin, and how it looks. */
export type Piece = string | { readonly text: string; readonly style: Style }

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan'

/** Pieces as they may be written to a terminal: each in one line, coloured where that is wanted. */
export function rendered(...pieces: readonly Piece[]): string {
  return pieces
    .map((piece) =>
      typeof piece === 'string'
        ? safeText(piece)
        : styleText(piece.style, safeText(piece.text), { stream: process.stdout }),
    )
    .join('')
}

export function styled(style: Style, text: string): Piece {
  return { text, style }
}

/** JSON has no NaN and no infinity: they are texts, as PostgreSQL has them. */
function inWords(_: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value
}

/** What a command says: answers on stdout, everything else on stderr. */
export class Terminal {
  readonly #quiet: boolean
  readonly #verbose: boolean

  constructor({ quiet, verbose }: { readonly quiet: boolean; readonly verbose: boolean }) {
    this.#quiet = quiet
    this.#verbose = verbose
  }

  /** How many columns a line may have; undefined where nobody looks, as in a pipe. */
  get width(): number | undefined {
    const columns = process.stdout.columns ?? Number(process.env.COLUMNS)
    return Number.isInteger(columns) && columns > 0 ? columns : undefined
  }

  get isInteractive(): boolean {
    return process.stdout.isTTY === true
  }

  /** A line of the answer. */
  line(...pieces: readonly Piece[]): Promise<void> {
    return this.write(`${rendered(...pieces)}\n`)
  }

  /** One value as a JSON document. */
  document(value: unknown): Promise<void> {
    return this.write(`${safeJson(stringify(value, inWords, 2) ?? 'null')}\n`)
  }

  /** One value as a line of JSON. */
  record(value: unknown): Promise<void> {
    return this.write(`${safeJson(stringify(value, inWords) ?? 'null')}\n`)
  }

  /** One value as a part of a JSON document, without a line break behind it. */
  part(value: unknown): Promise<void> {
    return this.write(safeJson(stringify(value, inWords) ?? 'null'))
  }

  /** A text that is to be used as it is; what a terminal would act on is shown on it as what it is. */
  async text(text: string): Promise<void> {
    const shown = this.isInteractive ? safeLines(text) : text
    await this.write(shown.endsWith('\n') ? shown : `${shown}\n`)
    if (shown !== text) {
      this.note('Control characters are shown as \\u{…} here: --output FILE has them as they are.')
    }
  }

  /** Ready text, with regard for who reads slowly. */
  async write(text: string): Promise<void> {
    if (!process.stdout.write(text)) await once(process.stdout, 'drain')
  }

  /** A table beside an answer that is to be used as it is. */
  aside(text: string): void {
    process.stderr.write(text)
  }

  /** What is good to know, unless told to be quiet. */
  note(text: string): void {
    if (!this.#quiet) process.stderr.write(`${safeLines(text)}\n`)
  }

  /** What matters also to who wants it quiet. */
  warn(text: string): void {
    process.stderr.write(`auditrum: ${safeText(text)}\n`)
  }

  /** What only who asks for it wants to know. */
  detail(text: string): void {
    if (this.#verbose) process.stderr.write(`${safeLines(text)}\n`)
  }

  /** Says what it waits for, once that has taken a second and somebody watches. */
  async waiting<T>(what: string, work: () => PromiseLike<T>): Promise<T> {
    if (this.#quiet || process.stderr.isTTY !== true) return await work()
    const progress = spinner({ output: process.stderr, indicator: 'timer' })
    let isShown = false
    const timer = setTimeout(() => {
      isShown = true
      progress.start(what)
    }, 1000)
    try {
      return await work()
    } finally {
      clearTimeout(timer)
      if (isShown) progress.clear()
    }
  }
}

// The tokens, as src/backend/parser/scan.l of PostgreSQL reads them.

// A token is its text: a word in lower case, a symbol of one character, or one of these.
export const NAME = '"' // a quoted identifier, or one with letters beyond ASCII: never a keyword
export const STRING = "'"
const NUMBER = '0'
export const BROKEN = '/*' // a quote or a comment without its end

const TAB = 9
const LF = 10
const CR = 13
const SPACE = 32
const DOUBLE_QUOTE = 34
const DOLLAR = 36
const AMPERSAND = 38
const QUOTE = 39
const STAR = 42
const DASH = 45
const SLASH = 47
const UNDERSCORE = 95
const BACKSLASH = 92

// \v is one since 16; before, the server refuses it.
const isBlank = (c: number) => c === SPACE || (c >= TAB && c <= CR)
const isDigit = (c: number) => c >= 48 && c <= 57
// {ident_start} and {dolq_start}: every byte from \200 on belongs to identifiers. NaN (after the
// end of the text) is none of this.
export const startsWord = (c: number) =>
  (c >= 97 && c <= 122) || (c >= 65 && c <= 90) || c === UNDERSCORE || c >= 128
const continuesTag = (c: number) => startsWord(c) || isDigit(c)
const continuesWord = (c: number) => continuesTag(c) || c === DOLLAR

/** Reads a text token by token. */
export class Scanner {
  /** Where the last token is. */
  start = 0
  end = 0
  readonly #text: string
  readonly #backslashes: boolean

  constructor(text: string, backslashes: boolean) {
    this.#text = text
    this.#backslashes = backslashes
  }

  /** The next token, '' after the last. */
  next(): string {
    this.start = this.#skipBlanks(this.end)
    this.end = this.start
    if (this.start >= this.#text.length) return ''
    const c = this.#text.charCodeAt(this.start)
    if (startsWord(c)) return this.#word()
    if (isDigit(c)) return this.#number()
    if (c === QUOTE) return this.#string(this.start, this.#backslashes)
    if (c === DOUBLE_QUOTE) return this.#to(this.#closing(DOUBLE_QUOTE, this.start + 1), NAME)
    if (c === DOLLAR) return this.#dollar()
    if (this.#isPair(this.start, SLASH, STAR)) return this.#to(-1, BROKEN)
    this.end += 1
    return this.#text.charAt(this.start)
  }

  #word(): string {
    let ascii = true
    let at = this.start
    for (let c = this.#at(at); continuesWord(c); c = this.#at(++at)) ascii &&= c < 128
    this.end = at
    if (at - this.start === 1) {
      const quoted = this.#prefixed(at)
      if (quoted !== undefined) return quoted
    }
    // downcase_identifier() folds ASCII only, so that KELVIN SIGN makes no `k`.
    return ascii ? this.#text.slice(this.start, at).toLowerCase() : NAME
  }

  /** What a one-letter word may be the beginning of: E'…', B'…', X'…', U&'…' and U&"…". */
  #prefixed(at: number): string | undefined {
    const letter = this.#text.charAt(this.start).toLowerCase()
    if (this.#at(at) === QUOTE) {
      if (letter === 'e') return this.#string(at, true)
      if (letter === 'b' || letter === 'x') return this.#string(at, false)
    }
    if (letter !== 'u' || this.#at(at) !== AMPERSAND) return undefined
    if (this.#at(at + 1) === QUOTE) return this.#string(at + 1, false)
    if (this.#at(at + 1) !== DOUBLE_QUOTE) return undefined
    return this.#to(this.#closing(DOUBLE_QUOTE, at + 2), NAME)
  }

  /** Digits alone: 14 reads `1E'…'` as a number and a string, later releases refuse it. */
  #number(): string {
    while (isDigit(this.#at(this.end))) this.end += 1
    return NUMBER
  }

  /** {quotecontinue}: after a line break, another '…' goes on in the manner of the first. */
  #string(open: number, backslashes: boolean): string {
    let end = open
    for (let next = open; next !== -1 && end !== -1; next = end === -1 ? -1 : this.#continued(end))
      end = backslashes ? this.#closingEscaped(next + 1) : this.#closing(QUOTE, next + 1)
    return this.#to(end, STRING)
  }

  /** Where the string that ended at `end` goes on, -1 if it does not. */
  #continued(end: number): number {
    let lines = false
    for (let at = end; ; ) {
      const c = this.#at(at)
      if (isBlank(c)) {
        lines ||= c === LF || c === CR
        at += 1
      } else if (this.#isPair(at, DASH, DASH)) at = this.#endOfLine(at)
      else return lines && c === QUOTE ? at : -1
    }
  }

  #closing(quote: number, from: number): number {
    const mark = String.fromCharCode(quote)
    let at = this.#text.indexOf(mark, from)
    while (at !== -1 && this.#at(at + 1) === quote) at = this.#text.indexOf(mark, at + 2)
    return at === -1 ? -1 : at + 1
  }

  #closingEscaped(from: number): number {
    for (let at = from; at < this.#text.length; at += 1) {
      const c = this.#at(at)
      if (c === BACKSLASH) at += 1
      else if (c === QUOTE && this.#at(at + 1) === QUOTE) at += 1
      else if (c === QUOTE) return at + 1
    }
    return -1
  }

  /** {dolqdelim}; any other `$` is of a parameter, or refused. */
  #dollar(): string {
    let at = this.start + 1
    if (startsWord(this.#at(at))) while (continuesTag(this.#at(at))) at += 1
    if (this.#at(at) !== DOLLAR) return this.#to(this.start + 1, '$')
    const tag = this.#text.slice(this.start, at + 1)
    const close = this.#text.indexOf(tag, at + 1)
    return this.#to(close === -1 ? -1 : close + tag.length, STRING)
  }

  /** After blanks and comments; before a comment that does not end. */
  #skipBlanks(from: number): number {
    for (let at = from; ; ) {
      if (isBlank(this.#at(at))) at += 1
      else if (this.#isPair(at, DASH, DASH)) at = this.#endOfLine(at)
      else if (this.#isPair(at, SLASH, STAR)) {
        const end = this.#endOfComment(at)
        if (end === -1) return at
        at = end
      } else return at
    }
  }

  #endOfLine(from: number): number {
    let at = from
    for (let c = this.#at(at); at < this.#text.length && c !== LF && c !== CR; ) c = this.#at(++at)
    return at
  }

  #endOfComment(from: number): number {
    let depth = 0
    for (let at = from; at < this.#text.length; at += 1) {
      if (this.#isPair(at, SLASH, STAR)) {
        depth += 1
        at += 1
      } else if (this.#isPair(at, STAR, SLASH)) {
        depth -= 1
        at += 1
        if (depth === 0) return at + 1
      }
    }
    return -1
  }

  #at(index: number): number {
    return this.#text.charCodeAt(index)
  }

  #isPair(at: number, first: number, second: number): boolean {
    return this.#at(at) === first && this.#at(at + 1) === second
  }

  #to(end: number, token: string): string {
    this.end = end === -1 ? this.#text.length : end
    return end === -1 ? BROKEN : token
  }
}

import { type CommandKind, kindOf } from './kind.js'
import { Scanner } from './scanner.js'

/** One command of a text: `text.slice(start, end)`, without blanks, comments and `;` around it. */
export interface Command {
  readonly kind: CommandKind
  readonly start: number
  readonly end: number
}

/** What the server's setting changes in the reading of a text. */
export interface CommandOptions {
  /** The setting `standard_conforming_strings`: when off, '…' has backslash escapes. Default on. */
  readonly standardConformingStrings?: boolean
}

/**
 * The commands of a text, in order; none for blanks and comments alone. It splits and reads the
 * text as PostgreSQL 14 to 18 do. What the server refuses to parse may get any kind, except that a
 * text with an unterminated quote or comment ends in one 'write' up to the end of the text.
 *
 * A text does not tell everything: views, operators, casts, defaults, row security policies and
 * functional notation (`select t.fn from t`) can call functions that do not show, and a function
 * of the application's can bear a listed name (with other argument types, or in a schema that
 * search_path has before pg_catalog). A 'read' may call those.
 */
export function commandsOf(text: string, options: CommandOptions = {}): readonly Command[] {
  const scanner = new Scanner(text, options.standardConformingStrings === false)
  const commands: Command[] = []
  let draft = new Draft()
  for (let token = scanner.next(); token !== ''; token = scanner.next()) {
    if (token === ';' && draft.endsHere) {
      draft.addTo(commands)
      draft = new Draft()
    } else draft.push(token, scanner.start, scanner.end)
  }
  draft.addTo(commands)
  return commands
}

// stmtmulti and routine_body_stmt_list in src/backend/parser/gram.y

/** The first word tells everything, and what follows can be long: of INSERT, a megabyte of rows. */
const DML = new Set(['insert', 'update', 'delete', 'merge'])

class Draft {
  readonly #tokens: string[] = []
  #start = 0
  #end = 0
  #depth = 0
  /** How many tokens the command had when its BEGIN ATOMIC was read, 0 outside of such a body. */
  #body = 0

  /** Whether a semicolon ends it: not in CREATE RULE … DO (…; …), nor in BEGIN ATOMIC …; END. */
  get endsHere(): boolean {
    return this.#depth === 0 && this.#body === 0
  }

  push(token: string, start: number, end: number): void {
    this.#end = end
    if (token === '(') this.#depth += 1
    else if (token === ')') this.#depth -= this.#depth > 0 ? 1 : 0
    else if (this.#depth === 0) this.#watchBody(token)
    if (this.#tokens.length === 0) this.#start = start
    else if (DML.has(this.#tokens[0] ?? '')) return
    this.#tokens.push(token)
  }

  addTo(commands: Command[]): void {
    if (this.#tokens.length === 0) return
    commands.push({ kind: kindOf(this.#tokens), start: this.#start, end: this.#end })
  }

  /** No command in a body begins with END (TransactionStmtLegacy), so that one ends the body. */
  #watchBody(token: string): void {
    const length = this.#tokens.length
    const last = this.#tokens[length - 1]
    if (this.#body > 0) {
      if (token === 'end' && (last === ';' || length === this.#body)) this.#body = 0
    } else if (token === 'atomic' && last === 'begin' && createsRoutine(this.#tokens))
      this.#body = length + 1
  }
}

function createsRoutine([first, second, third, fourth]: readonly string[]): boolean {
  if (first !== 'create') return false
  const what = second === 'or' && third === 'replace' ? fourth : second
  return what === 'function' || what === 'procedure'
}

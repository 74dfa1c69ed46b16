import { isRead } from './read.js'
import { BROKEN, STRING } from './scanner.js'
import { words } from './words.js'

/** How a command must be sent, as far as its text can tell. */
export type CommandKind =
  /** Changes no row and calls nothing of the application's (see the limits at {@link commandsOf}). */
  | 'read'
  /** Everything that no other kind takes: DML, DDL, FETCH, EXECUTE, a SELECT of any other function. */
  | 'write'
  /** BEGIN, START TRANSACTION */
  | 'begin'
  /** COMMIT, END, ROLLBACK, ABORT; PREPARE TRANSACTION. */
  | 'end'
  /** COMMIT, END, ROLLBACK, ABORT with AND CHAIN: the next transaction begins at once. */
  | 'end and begin'
  /** ROLLBACK [WORK | TRANSACTION] TO [SAVEPOINT] */
  | 'rollback to'
  /** Changes no row, and some of it must come before the first query: SET, LOCK, SAVEPOINT, … */
  | 'session'
  /** COPY … FROM STDIN */
  | 'copy in'
  /** COPY … TO STDOUT of a table, or of a query that is a 'read' */
  | 'copy out'
  /** COPY (query) TO STDOUT of any other query: it may write. */
  | 'copy out, writing'
  /** Refused in a transaction block, so in a text of several commands too: VACUUM, … */
  | 'alone'
  /** CALL and DO: they may end the transaction themselves. */
  | 'call'

const KINDS = new Map<string, CommandKind>([
  ...words('call do').map((word) => [word, 'call'] as const),
  ...words(`savepoint release lock listen unlisten notify deallocate close load checkpoint show
    reset`).map((word) => [word, 'session'] as const),
  // REINDEX and CLUSTER are refused for partitioned tables, too, and change no row.
  ...words('vacuum reindex cluster').map((word) => [word, 'alone'] as const),
  ['begin', 'begin'],
])

/** What stands behind the first word of a setting's name, in SET. */
const SETTING = new Set(words('. = to from'))

/** The kind of a command, from its tokens. */
export function kindOf(tokens: readonly string[]): CommandKind {
  if (tokens.at(-1) === BROKEN) return 'write'
  const [first = '', second, third] = tokens
  switch (first) {
    case 'start':
      return second === 'transaction' ? 'begin' : 'write'
    case 'commit':
    case 'rollback':
    case 'end':
    case 'abort':
      return endKind(tokens)
    case 'prepare': // TRANSACTION may also be the name of a prepared statement
      return second === 'transaction' && third === STRING ? 'end' : 'session'
    case 'set': // SET CONSTRAINTS … IMMEDIATE fires deferred triggers; but a setting may be called so
      return second === 'constraints' && !SETTING.has(third ?? '') ? 'write' : 'session'
    case 'copy':
      return copyKind(tokens)
    case 'discard':
      return second === 'all' ? 'alone' : 'write'
    case 'create':
    case 'drop':
    case 'alter':
      return standsAlone(tokens) ? 'alone' : 'write'
    default:
      return KINDS.get(first) ?? (isRead(tokens) ? 'read' : 'write')
  }
}

function endKind(tokens: readonly string[]): CommandKind {
  const [first, second, third] = tokens
  if (second === 'prepared') return 'alone'
  const next = second === 'work' || second === 'transaction' ? third : second
  if (first === 'rollback' && next === 'to') return 'rollback to'
  const chains = tokens.at(-1) === 'chain' && tokens.at(-2) === 'and'
  return chains ? 'end and begin' : 'end'
}

/** The callers of PreventInTransactionBlock(). */
function standsAlone(tokens: readonly string[]): boolean {
  const [first, second, third, fourth] = tokens
  if (second === 'subscription') return true
  if (first === 'alter') {
    if (second === 'database') return tokens.includes('tablespace')
    if (second === 'table') return tokens.includes('detach') && tokens.at(-1) === 'concurrently'
    return second === 'system'
  }
  if (second === 'database' || second === 'tablespace') return true
  if (second === 'unique') return third === 'index' && fourth === 'concurrently'
  return second === 'index' && third === 'concurrently'
}

/** STDIN and STDOUT are the same to copy_file_name: FROM and TO decide. */
function copyKind(tokens: readonly string[]): CommandKind {
  const at = directionOf(tokens)
  const file = tokens[at + 1]
  if (at === -1 || (file !== 'stdin' && file !== 'stdout')) return 'write'
  if (tokens[at] === 'from') return 'copy in'
  return tokens[1] !== '(' || isRead(tokens.slice(1, at)) ? 'copy out' : 'copy out, writing'
}

function directionOf(tokens: readonly string[]): number {
  let depth = 0
  return tokens.findIndex((token, i) => {
    if (token === '(') depth += 1
    else if (token === ')') depth -= 1
    // Both words are reserved, but may stand after a dot.
    return depth === 0 && (token === 'from' || token === 'to') && tokens[i - 1] !== '.'
  })
}

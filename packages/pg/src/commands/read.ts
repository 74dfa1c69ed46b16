import { HARMLESS_FUNCTIONS } from './functions.js'
import { NAME, startsWord } from './scanner.js'
import { words } from './words.js'

const QUERY = new Set(words('select values table with'))

/** An open parenthesis, or the query around all of them. */
interface Nesting {
  /** The token before the parenthesis. */
  readonly opener: string | undefined
  /** Whether the names of WITH queries are being listed. */
  listsQueries: boolean
}

/** Whether it is a query, or EXPLAIN of one, without DML, INTO, or a function that may write. */
export function isRead(tokens: readonly string[]): boolean {
  const start = startOfExplained(tokens)
  let first = start
  while (tokens[first] === '(') first += 1
  if (!QUERY.has(tokens[first] ?? '')) return false
  let current: Nesting = { opener: undefined, listsQueries: false }
  let closed: Nesting | undefined
  const around: Nesting[] = []
  for (let i = start; i < tokens.length; i += 1) {
    const before = tokens[i - 1]
    switch (tokens[i]) {
      case '(':
        if (i > start && mayCall(tokens, i, current, closed)) return false
        around.push(current)
        current = { opener: i > start ? before : undefined, listsQueries: false }
        break
      case ')':
        closed = current
        current = around.pop() ?? closed
        break
      case 'with': // with_clause; elsewhere it is WITH TIME ZONE, WITH ORDINALITY, WITH UNIQUE …
        if (i === start || before === '(') current.listsQueries = true
        break
      case 'select':
      case 'values':
      case 'table':
      case 'order': // WITH … (SELECT …) ORDER BY
        current.listsQueries = false
        break
      case 'update': // FOR [NO KEY] UPDATE
        if (before !== 'for' && before !== 'key') return false
        break
      case 'insert':
      case 'delete':
      case 'merge':
      case 'into':
        return false
    }
  }
  return true
}

function startOfExplained(tokens: readonly string[]): number {
  if (tokens[0] !== 'explain') return 0
  const next = tokens[2] ?? ''
  if (tokens[1] === '(' && next !== '(' && !QUERY.has(next)) return tokens.indexOf(')') + 1
  const plain = words('explain analyze analyse verbose')
  return tokens.findIndex((token) => !plain.includes(token))
}

const isName = (token: string) => token === NAME || startsWord(token.charCodeAt(0))

/** Whether the parenthesis at `i` may begin the arguments of a function that is not listed. */
function mayCall(
  tokens: readonly string[],
  i: number,
  current: Nesting,
  closed: Nesting | undefined,
): boolean {
  const name = tokens[i - 1] ?? ''
  if (!isName(name)) return false
  const before = tokens[i - 2] ?? ''
  if (before === '.')
    return tokens[i - 3] !== 'pg_catalog' || tokens[i - 4] === '.' || !HARMLESS_FUNCTIONS.has(name)
  if (HARMLESS_FUNCTIONS.has(name) || SYNTAX.has(name)) return false
  // An alias with columns, `AS [NOT] MATERIALIZED (`, or a type with modifiers.
  if (before === 'as' || (before === ':' && tokens[i - 3] === ':')) return false
  if (name === 'join' && tokens[i + 1] === 'select') return false
  if (before === ')') return !ALIASED.has(closed?.opener ?? '')
  if (current.listsQueries && (before === ',' || before === 'with' || before === 'recursive'))
    return false
  if (before === 'ordinality' && tokens[i - 3] === 'with') return false
  return !PHRASES.has(`${before} ${name}`) || !endsPhrase(tokens, i)
}

/** For the phrases that take a third word to be told from a function's name. */
function endsPhrase(tokens: readonly string[], i: number): boolean {
  const [first, before, name] = tokens.slice(i - 3, i)
  if (name === 'materialized') return first === 'as'
  return before !== 'by' || first === 'group'
}

/**
 * Keywords that a parenthesis can follow and that name no function in any release from 14 on:
 * those that appendix C of the manual calls "reserved", or "non-reserved (cannot be function or
 * type)".
 */
const SYNTAX: ReadonlySet<string> = new Set(
  words(`
    all and any array as asymmetric between bit both case cast char character coalesce
    current_time current_timestamp dec decimal distinct else except exists extract float for from
    greatest group grouping having in intersect interval lateral leading least limit localtime
    localtimestamp nchar normalize not nullif numeric offset on only or placing position
    row select some symmetric then time timestamp to trailing trim union using values
    varchar when where`),
)

/** What a word can be only after another: alone, all of these second words may name functions. */
const PHRASES: ReadonlySet<string> = new Set([
  ...words('left right full inner outer cross natural').map((word) => `${word} join`),
  ...words('character char nchar bit').map((word) => `${word} varying`),
  ...words('group order partition').map((word) => `${word} by`),
  'grouping sets',
  'time zone',
  // These take a third word, see endsPhrase().
  'by cube',
  'by rollup',
  'not materialized',
])

/** Before a parenthesis that an alias with columns may follow, or FILTER ( and OVER (. */
const ALIASED: ReadonlySet<string> = new Set([
  ...words('from join lateral , filter group'),
  ...HARMLESS_FUNCTIONS,
])

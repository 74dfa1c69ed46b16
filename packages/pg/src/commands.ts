/** How a command must be sent, as far as its text can tell. */
export type CommandKind =
  /** Changes no row and calls nothing of the application's (see the limits at {@link commandsOf}). */
  | 'read'
  /** Everything that no other kind takes: DML, DDL, FETCH, EXECUTE, a SELECT of any other function. */
  | 'write'
  /** BEGIN, START TRANSACTION */
  | 'begin'
  /** COMMIT, END, ROLLBACK, ABORT, also with AND CHAIN; PREPARE TRANSACTION. */
  | 'end'
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

// ---- The tokens: src/backend/parser/scan.l --------------------------------------------------

// A token is its text: a word in lower case, a symbol of one character, or one of these.
const NAME = '"' // a quoted identifier, or one with letters beyond ASCII: never a keyword
const STRING = "'"
const NUMBER = '0'
const BROKEN = '/*' // a quote or a comment without its end

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
const startsWord = (c: number) =>
  (c >= 97 && c <= 122) || (c >= 65 && c <= 90) || c === UNDERSCORE || c >= 128
const continuesTag = (c: number) => startsWord(c) || isDigit(c)
const continuesWord = (c: number) => continuesTag(c) || c === DOLLAR

class Scanner {
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

// ---- The commands: stmtmulti and routine_body_stmt_list in src/backend/parser/gram.y ---------

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

// ---- The kinds ------------------------------------------------------------------------------

const words = (list: string): readonly string[] => list.trim().split(/\s+/)

const KINDS = new Map<string, CommandKind>([
  ...words('end abort').map((word) => [word, 'end'] as const),
  ...words('call do').map((word) => [word, 'call'] as const),
  ...words(`savepoint release lock listen unlisten notify deallocate close load checkpoint show
    reset`).map((word) => [word, 'session'] as const),
  // REINDEX and CLUSTER are refused for partitioned tables, too, and change no row.
  ...words('vacuum reindex cluster').map((word) => [word, 'alone'] as const),
  ['begin', 'begin'],
])

function kindOf(tokens: readonly string[]): CommandKind {
  if (tokens.at(-1) === BROKEN) return 'write'
  const [first = '', second, third] = tokens
  switch (first) {
    case 'start':
      return second === 'transaction' ? 'begin' : 'write'
    case 'commit':
    case 'rollback':
      return endKind(tokens)
    case 'prepare': // TRANSACTION may also be the name of a prepared statement
      return second === 'transaction' && third === STRING ? 'end' : 'session'
    case 'set': // SET CONSTRAINTS … IMMEDIATE fires deferred triggers
      return second === 'constraints' ? 'write' : 'session'
    case 'copy':
      return copyKind(tokens)
    case 'discard':
      return second === 'all' ? 'alone' : 'write'
    case 'create':
    case 'drop':
    case 'alter':
      return standsAlone(tokens) ? 'alone' : 'write'
    default:
      return KINDS.get(first) ?? (reads(tokens) ? 'read' : 'write')
  }
}

function endKind([first, second, third]: readonly string[]): CommandKind {
  if (second === 'prepared') return 'alone'
  const next = second === 'work' || second === 'transaction' ? third : second
  return first === 'rollback' && next === 'to' ? 'rollback to' : 'end'
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
  return tokens[1] !== '(' || reads(tokens.slice(1, at)) ? 'copy out' : 'copy out, writing'
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

// ---- The reads ------------------------------------------------------------------------------

const QUERY = new Set(words('select values table with'))

/** An open parenthesis, or the query around all of them. */
interface Nesting {
  /** The token before the parenthesis. */
  readonly opener: string | undefined
  /** Whether the names of WITH queries are being listed. */
  listsQueries: boolean
}

/** Whether it is a query, or EXPLAIN of one, without DML, INTO, or a function that may write. */
function reads(tokens: readonly string[]): boolean {
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

/**
 * Functions of pg_catalog, in all releases from 14 on, that change nothing: no row, no sequence,
 * no setting, no lock, and that run no SQL given to them.
 */
export const HARMLESS_FUNCTIONS: ReadonlySet<string> = new Set(
  words(`
    ${/* aggregates and window functions */ ''}
    array_agg avg bit_and bit_or bit_xor bool_and bool_or corr count covar_pop covar_samp cume_dist
    dense_rank every first_value json_agg json_object_agg jsonb_agg jsonb_object_agg lag last_value
    lead max min mode nth_value ntile percent_rank percentile_cont percentile_disc range_agg
    range_intersect_agg rank regr_avgx regr_avgy regr_count regr_intercept regr_r2 regr_slope
    regr_sxx regr_sxy regr_syy row_number stddev stddev_pop stddev_samp string_agg sum var_pop
    var_samp variance xmlagg
    ${/* numbers */ ''}
    abs acos asin atan atan2 cbrt ceil ceiling cos cosh cot degrees div exp factorial floor gcd lcm
    ln log log10 min_scale mod pi power radians random round scale sign sin sinh sqrt tan tanh
    trim_scale trunc width_bucket
    ${/* strings and binary strings */ ''}
    ascii bit_count bit_length btrim char_length character_length chr concat concat_ws
    convert convert_from convert_to decode encode format get_bit get_byte initcap left length like
    lower lpad ltrim md5 octet_length overlay parse_ident quote_ident quote_literal quote_nullable
    regexp_match regexp_matches regexp_replace regexp_split_to_array regexp_split_to_table repeat
    replace reverse right rpad rtrim set_bit set_byte sha224 sha256 sha384 sha512 split_part
    starts_with string_to_array string_to_table strpos substr substring to_ascii to_hex translate unistr
    upper
    ${/* dates and times */ ''}
    age clock_timestamp date date_bin date_part date_trunc isfinite justify_days justify_hours
    justify_interval make_date make_interval make_time make_timestamp make_timestamptz now overlaps
    statement_timestamp timeofday timezone to_char to_date to_number to_timestamp
    transaction_timestamp
    ${/* arrays, ranges, rows and sets */ ''}
    array_append array_cat array_dims array_fill array_length array_lower array_ndims
    array_position array_positions array_prepend array_remove array_replace array_to_string
    array_upper cardinality daterange generate_series generate_subscripts int4range int8range
    isempty lower_inc lower_inf multirange num_nonnulls num_nulls numrange range_merge
    trim_array tsrange tstzrange unnest upper_inc upper_inf
    ${/* JSON and XML */ ''}
    array_to_json json_array_elements json_array_elements_text json_array_length json_build_array
    json_build_object json_each json_each_text json_extract_path json_extract_path_text json_object
    json_object_keys json_populate_record json_populate_recordset json_strip_nulls json_to_record
    json_to_recordset json_typeof jsonb_array_elements jsonb_array_elements_text
    jsonb_array_length jsonb_build_array jsonb_build_object jsonb_each jsonb_each_text
    jsonb_extract_path jsonb_extract_path_text jsonb_insert jsonb_object jsonb_object_keys
    jsonb_path_exists jsonb_path_match jsonb_path_query jsonb_path_query_array
    jsonb_path_query_first jsonb_populate_record jsonb_populate_recordset jsonb_pretty jsonb_set
    jsonb_set_lax jsonb_strip_nulls jsonb_to_record jsonb_to_recordset jsonb_typeof row_to_json
    to_json to_jsonb xpath xpath_exists
    ${/* text search; not ts_stat and ts_rewrite, which run SQL */ ''}
    array_to_tsvector numnode phraseto_tsquery plainto_tsquery querytree setweight strip to_tsquery
    to_tsvector ts_headline ts_rank ts_rank_cd tsvector_to_array websearch_to_tsquery
    ${/* networks, UUIDs, enums */ ''}
    abbrev broadcast enum_first enum_last enum_range family gen_random_uuid host hostmask
    inet_client_addr inet_client_port inet_server_addr inet_server_port masklen netmask network
    ${/* the session and the catalog */ ''}
    col_description current_database current_query current_schema current_schemas current_setting
    currval format_type has_any_column_privilege has_column_privilege has_database_privilege
    has_function_privilege has_schema_privilege has_sequence_privilege has_table_privilege lastval
    obj_description pg_backend_pid pg_column_size pg_database_size pg_encoding_to_char
    pg_function_is_visible pg_get_constraintdef pg_get_expr pg_get_function_arguments
    pg_get_function_identity_arguments pg_get_function_result pg_get_functiondef pg_get_indexdef
    pg_get_keywords pg_get_partkeydef pg_get_ruledef pg_get_serial_sequence pg_get_triggerdef
    pg_get_userbyid pg_get_viewdef pg_has_role pg_index_column_has_property pg_indexes_size
    pg_is_in_recovery pg_relation_size pg_size_bytes pg_size_pretty pg_sleep pg_table_is_visible
    pg_table_size pg_total_relation_size pg_type_is_visible pg_typeof shobj_description
    to_regclass to_regnamespace to_regproc to_regprocedure to_regrole to_regtype version`),
)

/** Before a parenthesis that an alias with columns may follow, or FILTER ( and OVER (. */
const ALIASED: ReadonlySet<string> = new Set([
  ...words('from join lateral , filter group'),
  ...HARMLESS_FUNCTIONS,
])

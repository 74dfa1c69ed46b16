import { fuzzRuns, fuzzTimeout } from '@auditrum/testkit/fuzz'
import fc from 'fast-check'
import { loadModule, parseSync } from 'libpg-query'
import { beforeAll, describe, expect, it } from 'vitest'
import { commandsOf } from './commands.js'
import { examples } from './examples.js'
import { HARMLESS_FUNCTIONS } from './functions.js'
import type { CommandKind } from './kind.js'

const kinds = (text: string) => commandsOf(text).map(({ kind }) => kind)

describe('in comparison with the parser of PostgreSQL 18', { timeout: fuzzTimeout }, () => {
  beforeAll(loadModule)

  it('texts of statements have the same commands, and no write is a read', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const parsed = parse(text)
        expect(parsed, text).toBeDefined()
        expect(places(text)).toEqual(parsed?.map(({ place }) => place))
        commandsOf(text).forEach(({ kind }, i) => {
          if (kind === 'read' || kind === 'copy out') expect(parsed?.[i]?.writes, text).toEqual([])
        })
      }),
      { numRuns: fuzzRuns(300) },
    )
  })

  it('what is no query has the kind that its tree says', () => {
    fc.assert(
      fc.property(commands, (text) => {
        const parsed = parse(text)
        expect(parsed, text).toHaveLength(1)
        expect(kinds(text), text).toEqual(parsed?.map(({ kind }) => kind))
      }),
      { numRuns: fuzzRuns(1_000) },
    )
  })

  it('queries put together at random are no reads when they write', () => {
    fc.assert(
      fc.property(queries, (text) => {
        const parsed = parse(text)
        if (parsed === undefined) return
        expect(places(text), text).toEqual(parsed.map(({ place }) => place))
        commandsOf(text).forEach(({ kind }, i) => {
          if (kind === 'read' || kind === 'copy out') expect(parsed[i]?.writes, text).toEqual([])
        })
      }),
      { numRuns: fuzzRuns(3_000) },
    )
  })

  it('whatever it parses has as many commands', () => {
    fc.assert(
      fc.property(soup, (text) => {
        const parsed = parse(text)
        if (parsed !== undefined) expect(places(text)).toEqual(parsed.map(({ place }) => place))
      }),
      { numRuns: fuzzRuns(6_000) },
    )
  })
})

// ---- What the parser says -------------------------------------------------------------------

interface Parsed {
  readonly place: readonly [start: number, end: number]
  /** The nodes of its tree by which it may change something. */
  readonly writes: readonly string[]
  /** Of what is no query. */
  readonly kind: CommandKind | undefined
}

function parse(text: string): readonly Parsed[] | undefined {
  if (text === '') return [] // what libpg-query refuses, unlike PostgreSQL
  const bytes = Buffer.from(text)
  let statements: ReturnType<typeof parseSync>['stmts']
  try {
    statements = parseSync(text).stmts
  } catch {
    return undefined
  }
  return (statements ?? []).map(({ stmt, stmt_location: from = 0, stmt_len: length }) => {
    const to = length === undefined || length === 0 ? bytes.length : from + length
    return {
      place: trimmed(text, chars(bytes, from), chars(bytes, to)),
      writes: writesOf(stmt),
      kind: kindOfTree(stmt),
    }
  })
}

/** What the tests look at in a statement's tree. */
interface Statement {
  readonly kind?: string
  readonly chain?: boolean
  readonly is_from?: boolean
  readonly filename?: string
  readonly query?: unknown
  readonly is_vacuumcmd?: boolean
  readonly target?: string
  readonly concurrent?: boolean
  readonly options?: unknown
  readonly cmds?: readonly { readonly AlterTableCmd?: { readonly def?: unknown } }[]
}

const SESSION =
  /^(VariableSet|VariableShow|Prepare|Deallocate|Listen|Unlisten|Notify|ClosePortal|Load|CheckPoint|Lock)Stmt$/
const ALONE =
  /^(Reindex|Cluster|Createdb|Dropdb|(Create|Drop)TableSpace|AlterSystem|(Create|Alter|Drop)Subscription)Stmt$/

const transactions: Readonly<Record<string, CommandKind>> = {
  TRANS_STMT_BEGIN: 'begin',
  TRANS_STMT_START: 'begin',
  TRANS_STMT_COMMIT: 'end',
  TRANS_STMT_ROLLBACK: 'end',
  TRANS_STMT_SAVEPOINT: 'session',
  TRANS_STMT_RELEASE: 'session',
  TRANS_STMT_ROLLBACK_TO: 'rollback to',
  TRANS_STMT_PREPARE: 'end',
  TRANS_STMT_COMMIT_PREPARED: 'alone',
  TRANS_STMT_ROLLBACK_PREPARED: 'alone',
}

function kindOfTree(tree: unknown): CommandKind | undefined {
  const [[name, statement] = ['', {}]] = Object.entries(tree as Record<string, Statement>)
  if (name === 'SelectStmt' || name === 'ExplainStmt') return undefined
  if (name === 'TransactionStmt')
    return statement.chain ? 'end and begin' : transactions[statement.kind ?? '']
  if (name === 'CopyStmt') {
    if (statement.filename !== undefined) return 'write'
    if (statement.is_from) return 'copy in'
    return writesOf(statement.query).length > 0 ? 'copy out, writing' : 'copy out'
  }
  if (name === 'CallStmt' || name === 'DoStmt') return 'call'
  const isAlone =
    ALONE.test(name) ||
    statement.concurrent ||
    (name === 'VacuumStmt' && statement.is_vacuumcmd) ||
    (name === 'DiscardStmt' && statement.target === 'DISCARD_ALL') ||
    (name === 'AlterDatabaseStmt' && JSON.stringify(statement.options).includes('tablespace')) ||
    JSON.stringify(statement.cmds ?? []).includes('"concurrent":true')
  return isAlone ? 'alone' : SESSION.test(name) ? 'session' : 'write'
}

const chars = (bytes: Buffer, length: number) => bytes.subarray(0, length).toString().length

/** libpg-query takes blanks and comments around a statement for a part of it, now and then. */
function trimmed(text: string, from: number, to: number): readonly [number, number] {
  const around = commandsOf(text.slice(from, to))
  return [from + (around[0]?.start ?? 0), from + (around.at(-1)?.end ?? 0)]
}

function places(text: string): readonly (readonly [number, number])[] {
  return commandsOf(text).map(({ start, end }) => [start, end])
}

const WRITES = /^(Insert|Update|Delete|Merge|Call|Do|Execute|Create\w*|Drop\w*|Alter\w*)Stmt$/

function writesOf(node: unknown): readonly string[] {
  if (Array.isArray(node)) return node.flatMap(writesOf)
  if (typeof node !== 'object' || node === null) return []
  return Object.entries(node).flatMap(([key, value]) => {
    const here = WRITES.test(key) || key === 'intoClause' || isForeignCall(key, value) ? [key] : []
    return [...here, ...writesOf(value)]
  })
}

interface FuncCall {
  readonly funcname?: readonly { readonly String?: { readonly sval?: string } }[]
  readonly funcformat?: string
}

function isForeignCall(key: string, value: FuncCall): boolean {
  if (key !== 'FuncCall') return false
  const name = (value.funcname ?? []).map((part) => part.String?.sval ?? '')
  if (value.funcformat === 'COERCE_SQL_SYNTAX' || GRAMMAR.has(name.join('.'))) return false
  const schema = name.slice(0, -1).join('.')
  return !['', 'pg_catalog'].includes(schema) || !HARMLESS_FUNCTIONS.has(name.at(-1) ?? '')
}

/** What the grammar makes of LIKE … ESCAPE and SIMILAR TO. */
const GRAMMAR = new Set(['pg_catalog.like_escape', 'pg_catalog.similar_to_escape'])

// ---- What it is asked -----------------------------------------------------------------------

const one = <T>(...values: readonly T[]) => fc.constantFrom(...values)
const glued = (...arbitraries: readonly fc.Arbitrary<string>[]) =>
  fc.tuple(...arbitraries).map((strings) => strings.join(''))

const content = fc
  .array(one("'", '"', ';', '\\', '$', '$$', '$a$', '--', '/*', '*/', '\n', 'é', '😀', 'x', ' '), {
    maxLength: 8,
  })
  .map((pieces) => pieces.join(''))

const comments: fc.Arbitrary<string> = fc.oneof(
  content.map((text) => `--${text.replaceAll('\n', ';')}\n`),
  content.map((text) => `/*${text.replace(/\*\/|\/\*|\/$|\*$/g, '')} */`),
  content.map((text) => `/*/*${text.replace(/\*\/|\/\*|\/$|\*$/g, '')} */;'*/`),
)
const blanks = fc
  .array(fc.oneof({ weight: 3, arbitrary: one(' ', '\n', '\t', '\r', '\f') }, comments), {
    minLength: 1,
    maxLength: 3,
  })
  .map((pieces) => pieces.join(''))

const doubled = (text: string, quote: string) => text.replaceAll(quote, quote + quote)
const literals = fc.oneof(
  content.map((text) => `'${doubled(text, "'")}'`),
  content.map((text) => `E'${text.replace(/[\\']/g, '\\$&')}'`),
  content.map((text) => `e'${doubled(text.replaceAll('\\', '\\\\'), "'")}'\n'\\';'`),
  content.map((text) => `U&'${doubled(text.replaceAll('\\', '\\\\'), "'")}'`),
  content.map((text) => `n'${doubled(text, "'")}'`),
  content.filter((text) => !`${text}$`.includes('$$')).map((text) => `$$${text}$$`),
  content.filter((text) => !`${text}$`.includes('$é_1$')).map((text) => `$é_1$${text}$é_1$`),
  one("B'01'", "x'1F'", '1', '1.5e3', '$1', 'null'),
)
const names = fc.oneof(
  one('a', 'b$', 'é', 'E', 'u', 'begin', 'atomic', 'key', 'recursive', 'ordinality'),
  content.map((text) => `"x${doubled(text, '"')}"`),
)
const functions = one(
  ...['lower', 'count', 'pg_catalog.max', 'f', 's.lower', 'nextval', '"lower"', 'ran\u212A', 'by'],
  ...['filter', 'over', 'join', 'materialized', 'cube', 'sets', 'LOWER', 'pg_catalog . max'],
)

const expressions = fc.oneof(
  literals,
  names,
  glued(functions, one('', ' ', '/**/'), one('('), literals, one(')')),
  glued(one('case when true then '), names, one(' else 1 end')),
  glued(one('(select '), literals, one(')')),
  glued(literals, one(' in ('), literals, one(')')),
  one('count(*) filter (where true) over (partition by (a))', 'a + b', 'a -/* ; */- 1'),
)
const selects = fc.oneof(
  glued(one('select '), expressions, one(', '), expressions, one(' from t')),
  glued(one('with x(a) as (select '), expressions, one(') table x')),
  glued(one('with y as (delete from t returning '), names, one('), x(a) as (select 1) table x')),
  glued(one('values ('), expressions, one(')')),
  glued(one('(select '), expressions, one(') order by a, '), expressions),
  glued(one('select '), literals, one(' into t')),
)
const statements = fc.oneof(
  { weight: 4, arbitrary: selects },
  glued(one('insert into t values ('), expressions, one(')')),
  glued(one('update t set a = '), expressions),
  glued(one('delete from t where '), expressions, one(' is null')),
  glued(one('explain ', 'explain analyze ', 'explain (costs off) ', 'create view v as '), selects),
  glued(one('copy ('), selects, one(') to stdout')),
  glued(
    one('create function f() returns int begin atomic '),
    selects,
    one('; ; select case when a then atomic end;', ';'),
    blanks,
    one('END'),
  ),
  glued(one('create rule r as on insert to t do ('), selects, one('; delete from t)')),
  one(
    'begin',
    'commit',
    'rollback to a',
    'end',
    'create table t (a int)',
    'call p()',
    'set a to b',
  ),
)
const texts = fc
  .array(
    fc.oneof(
      { weight: 5, arbitrary: glued(blanks, statements, blanks, one(';')) },
      blanks,
      one(';'),
    ),
    { maxLength: 6 },
  )
  .chain((pieces) => glued(one(pieces.join('')), fc.oneof(one(''), statements)))

/** Commands word by word, with blanks and comments between the words. */
const texted = (...words: readonly (string | fc.Arbitrary<string>)[]) =>
  glued(
    blanks,
    ...words.flatMap((word) => [
      typeof word === 'string' ? one(word, word.toUpperCase()) : word,
      blanks,
    ]),
  )
const some = (...words: readonly string[]) => one('', ...words)
const quoted = content.map((text) => `'x${doubled(text, "'")}'`)
const commands = fc.oneof(
  texted(one('begin', 'start transaction'), some('isolation level serializable', 'read only')),
  texted(one('commit', 'rollback', 'end', 'abort'), some('work', 'transaction')),
  texted(one('commit', 'rollback', 'end', 'abort'), some('work'), 'and', some('no'), 'chain'),
  texted('rollback', some('work', 'transaction'), 'to', some('savepoint'), names),
  texted(one('savepoint', 'release', 'release savepoint', 'listen', 'close', 'notify'), names),
  texted('prepare', 'transaction', quoted),
  texted(
    'prepare',
    one('transaction', 'a', '"transaction"'),
    'as',
    one('select 1', 'delete from t'),
  ),
  texted(one('commit', 'rollback'), 'prepared', quoted),
  texted(
    'set',
    some('local', 'session'),
    one('a', 'a.b', 'constraints', 'constraints.b'),
    one('to', '='),
    quoted,
  ),
  texted('set', 'constraints', one('all', '"all"', 'a, b'), one('immediate', 'deferred')),
  texted(one('reset', 'show'), one('all', 'a.b', 'x')),
  texted(one('deallocate', 'unlisten', 'lock', 'truncate'), names),
  texted('copy', names, some('(a, "from")', '("to")'), one('from', 'to'), one('stdin', 'stdout')),
  texted('copy', names, one('from', 'to'), some('program'), quoted),
  texted(
    'copy',
    '(',
    one('select 1', 'table t', 'select f(1)', 'delete from t'),
    ')',
    'to',
    'stdout',
  ),
  texted(one('do', 'do language plpgsql'), one('$$begin; end$$', "'begin'", "E'\\''")),
  texted('call', names, '(', one('', '1', 'a => 2'), ')'),
  texted(one('vacuum', 'analyze', 'vacuum (full)', 'analyze (verbose)'), names),
  texted(one('reindex table', 'reindex (verbose) index concurrently', 'cluster'), names),
  texted('create', some('unique'), 'index', some('concurrently'), one('i'), 'on', names, '(a)'),
  texted('drop', 'index', some('concurrently'), some('if exists'), names),
  texted('drop', one('table', 'view', 'database', 'tablespace', 'subscription', 'role'), names),
  texted('alter', 'table', names, 'detach', 'partition', names, some('concurrently', 'finalize')),
  texted('alter', 'table', names, 'rename', some('column'), one('detach'), 'to', '"concurrently"'),
  texted('alter', 'database', names, one('set tablespace a', 'set a = b', 'owner to a')),
  texted('alter', 'system', one('reset all', 'set a = b')),
  texted('discard', one('all', 'temp', 'plans', 'sequences')),
  texted(one('execute', 'refresh materialized view'), one('a')),
)

/**
 * Queries of the examples in which a few words were put in, replaced or taken out. Most do not
 * parse: the point is to find a way in which a call does not look like one.
 */
const reads = () => examples.find(([kind]) => kind === 'read')?.[1] ?? []
const fragments = one(
  ...['f(x)', 'f (x)', 'filter(x)', 'by(x)', 'join(x)', 'cube(x)', 'sets(x)', 'over(x)', '"f"(x)'],
  ...['s.f(x)', 'recursive(x)', 'materialized(x)', ', f(x)', ', f', 'x f(x)', 'f(x) as (a int)'],
  ...['(', ')', '(x)', ',', '.', ':', 'as', 'not', 'with', 'with a(b) as (select 1)', 'x', "'x'"],
  ...['distinct on (a)', 'order by', 'group by', 'from', 'where', 'select', 'union', 'operator(+)'],
  ...['materialized', 'filter', 'over', 'ordinality', 'key', 'update', 'into x', 'time zone'],
  ...['with unique keys', 'is json', 'delete', 'lateral', 'left', 'limit', 'on', 'using', 'search'],
  ...['depth first by a set b', 'table t', 'values', '::', 'like', 'varying', 'zone', '1', '/**/'],
)
const edit = fc.record({ at: fc.nat(60), drop: one(0, 0, 0, 1, 2), put: fragments })
const queries = fc
  .tuple(fc.nat(), fc.array(edit, { minLength: 1, maxLength: 2 }))
  .map(([n, edits]) => {
    const texts = reads()
    const pieces = (texts[n % texts.length] ?? '').split(/ |(?=[(),])|(?<=[(),])/)
    for (const { at, drop, put } of edits) pieces.splice(at % (pieces.length + 1), drop, put)
    return pieces.join(' ')
  })

const characters = fc
  .array(
    one(
      ...["'", "'", '"', '"', '$', '$a$', '$a$', '$$', 'E', 'e', 'U', '&', "U&'", "E'", "''", 'b'],
      ...['\\', '-', '--', '/', '*', '/*', '*/', ';', '(', ')', '\n', '\r', ' ', 'é', '1', 'n'],
      ...['a', '_', '0', '.', ',', '\u00A0', '+', '@', '😀', 'end', 'case ', '$1', '\f'],
    ),
    { maxLength: 5 },
  )
  .map((pieces) => pieces.join(''))
const soup = fc
  .array(
    fc.oneof(
      { weight: 4, arbitrary: characters },
      one(';select ', ';select 1', ';table a', ',', ' ', ' from a ', ';end', '; ;', ' begin'),
      one(';create function a() begin atomic ', ';create procedure a(begin a)', ' begin atomic'),
    ),
    { maxLength: 8 },
  )
  .map((pieces) => pieces.join(''))

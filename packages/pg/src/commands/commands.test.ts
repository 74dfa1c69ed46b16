import { describe, expect, it } from 'vitest'
import { commandsOf } from './commands.js'
import { examples } from './examples.js'

const kinds = (text: string) => commandsOf(text).map(({ kind }) => kind)
const parts = (text: string) => commandsOf(text).map(({ start, end }) => text.slice(start, end))

describe('the kind of a command', () => {
  for (const [kind, texts] of examples)
    it.each(texts)(`is '${kind}': %s`, (text) => {
      expect(kinds(text)).toEqual([kind])
      expect(kinds(`/* */ ${text}\n; ${text}`)).toEqual([kind, kind])
    })
})

describe('the commands of a text', () => {
  it('are none for blanks and comments', () => {
    for (const text of ['', ' \t\n\r\f\v', ';', ' ;; -- x\n;', '/* a /* b */ ; */', '-- x'])
      expect(commandsOf(text), text).toEqual([])
  })

  it('have neither blanks nor comments nor the semicolon around them', () => {
    expect(commandsOf('/* a */ begin ; -- b\n select /* c */ 1 -- d')).toEqual([
      { kind: 'begin', start: 8, end: 13 },
      { kind: 'read', start: 22, end: 38 },
    ])
  })

  it.each([
    ["select ';'''';'; select 2", ["select ';'''';'", 'select 2']],
    ["select '\\'; select '2'", ["select '\\'", "select '2'"]],
    ["select E'\\';', e'\\\\'; select 2", ["select E'\\';', e'\\\\'", 'select 2']],
    ["select fe'\\'; select 2", ["select fe'\\'", 'select 2']],
    ["select u&'\\'; select u&'\\0041'", ["select u&'\\'", "select u&'\\0041'"]],
    [
      "select B'0\\'; select X'\\'; select n'\\'",
      ["select B'0\\'", "select X'\\'", "select n'\\'"],
    ],
    ["select E'a'\n--b\n '\\';'; select 2", ["select E'a'\n--b\n '\\';'", 'select 2']],
    ["select E'a'/**/\n'\\';'", ["select E'a'/**/\n'\\'", "'"]],
    ['select ";"";"; select U&";"', ['select ";"";"', 'select U&";"']],
    ['select $$;$$; select $a$;$b$;$$;$a$', ['select $$;$$', 'select $a$;$b$;$$;$a$']],
    ['select $é1$;$é1$; select $A$;$a$;$A$', ['select $é1$;$é1$', 'select $A$;$a$;$A$']],
    ['select a$a$; select b$a$', ['select a$a$', 'select b$a$']],
    ['select $1; select $2', ['select $1', 'select $2']],
    ['select $1$;$2$', ['select $1$', '$2$']],
    ['select é$$; select 1', ['select é$$', 'select 1']],
    ['select 1 /* /* ; */ ; */; select 2', ['select 1', 'select 2']],
    ['select 1 /*/ ; */; select 2', ['select 1', 'select 2']],
    ['select 1 --;\r; select 2', ['select 1', 'select 2']],
    ['select 1 +--;\n2; select 3', ['select 1 +--;\n2', 'select 3']],
    ['select 1 */*;*/ 2; select 3', ['select 1 */*;*/ 2', 'select 3']],
    ["select 1 - '-;-'; select - -1", ["select 1 - '-;-'", 'select - -1']],
    [
      'create rule r as on insert to t do (delete from a; delete from b); select 2',
      ['create rule r as on insert to t do (delete from a; delete from b)', 'select 2'],
    ],
    ['select 1); select 2', ['select 1)', 'select 2']],
  ])('are split as the server does: %j', (text, expected) => {
    expect(parts(text)).toEqual(expected)
  })

  it('may have bodies of commands', () => {
    const body =
      'begin/**/ATOMIC select case when a then atomic end; ; values (1); select begin atomic; end'
    for (const head of [
      'create function f() returns int',
      'CREATE OR REPLACE PROCEDURE p(begin int)',
    ])
      expect(parts(`${head} ${body}; end`)).toEqual([`${head} ${body}`, 'end'])
    const empty = 'create procedure p() begin atomic end'
    expect(parts(`${empty}; select 2`)).toEqual([empty, 'select 2'])
    // No body: names, and the beginning of a transaction.
    expect(kinds('select begin atomic; delete from t; end')).toEqual(['read', 'write', 'end'])
    expect(kinds('create table begin (atomic int); begin; end')).toEqual(['write', 'begin', 'end'])
    expect(kinds('create function f() returns int set a to begin; end')).toEqual(['write', 'end'])
  })

  it('have backslashes in every string without standard_conforming_strings', () => {
    const split = (text: string) =>
      commandsOf(text, { standardConformingStrings: false }).map((command) => command.kind)
    expect(split("select '\\';'; begin")).toEqual(['read', 'begin'])
    expect(split("select n'\\';'; begin")).toEqual(['read', 'begin'])
    expect(split("select b'\\'; begin")).toEqual(['read', 'begin'])
    expect(split('select "\\"; select $$\\$$; begin')).toEqual(['read', 'read', 'begin'])
  })

  it.each(["'a; select 1", "E'a\\'; b", '"a; b', '$a$ ; $b$', '/* a /* */ ; b', "U&'; a"])(
    'end in a write that goes to the end when it does not: %s',
    (rest) => {
      const text = `begin; select 1 ${rest}; commit `
      expect(commandsOf(text)).toEqual([
        { kind: 'begin', start: 0, end: 5 },
        { kind: 'write', start: 7, end: text.length },
      ])
    },
  )

  it('take time in proportion to the text', () => {
    const long = (part: string) => part.repeat(500_000 / part.length)
    for (const part of ["'a'\n", "'", '$a$', '$a', '/*', '--', '-', 'a', '(', '"a"(', ';', "E'\\"])
      expect(timeOf(long(part)), part).toBeLessThan(1000)
  })
})

function timeOf(text: string): number {
  const start = performance.now()
  commandsOf(`select ${text}`)
  return performance.now() - start
}

// The statements of the requests. What they write says who wrote it: the log is held against that.
import { ACCOUNTS, type Step } from './work.ts'

/** Who writes, for which step. */
export interface Writer {
  readonly request: string
  readonly actor: string
  readonly step: number
}

/** A statement with its values, and how long its answer is waited for, in milliseconds. */
export type Statement = readonly [text: string, values: readonly unknown[], patience?: number]

/** The rows of a step; with `fails`, the last one of them cannot be stored. */
export function insert({ rows }: Step, writer: Writer, fails = false): Statement {
  return [
    `insert into entries (request, step, actor, share)
      select $1, $2, $3, 100 / (n - $5::int) from generate_series(1, $4::int) as n`,
    [writer.request, writer.step, writer.actor, rows, fails ? rows : 0],
  ]
}

/** What a transaction does after its insert. */
export function changes({ account }: Step, { request, actor, step }: Writer): readonly Statement[] {
  return [
    [`update entries set note = 'seen' where request = $1 and step = $2`, [request, step]],
    [
      'delete from entries where id = (select min(id) from entries where request = $1 and step = $2)',
      [request, step],
    ],
    // last: nobody waits for it while this transaction does anything else
    [
      'update accounts set turns = turns + 1, request = $1, step = $2, actor = $3 where id = $4',
      [request, step, actor, account],
    ],
  ]
}

export const slow: readonly Statement[] = [
  [`set local statement_timeout = '5ms'`, []],
  ['select pg_sleep(10)', []],
]

export const tedious: Statement = ['select pg_sleep(0.03)', [], 5]

export const failing: Statement = ['select 1 / 0', []]

export const tables = `
  create table entries (
    id bigint generated always as identity primary key,
    request text not null, step integer not null, actor text not null, share integer, note text
  );
  create index on entries (request, step);
  create table accounts (
    id integer primary key, turns integer not null default 0, request text, step integer, actor text
  );
  insert into accounts (id) select n from generate_series(1, ${ACCOUNTS}) as n;
  create table told (
    request text, step integer, actor text, events integer, outcome text, primary key (request, step)
  );
`

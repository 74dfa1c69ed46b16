import { randomUUID } from 'node:crypto'
import pg from 'pg'
import type { Candidate } from './candidates.ts'

/** How wide a row is. */
export interface RowKind {
  readonly name: string
  /** The text column's expression, of a row number n. */
  readonly text: string
  /** How many times fewer rows than usual. */
  readonly divisor: number
}

export const rowKinds: readonly RowKind[] = [
  { name: '300 B', text: `repeat(md5(n::text), 5)`, divisor: 1 },
  {
    name: '3 KB',
    text: `(select string_agg(md5(n::text || i), '') from generate_series(1, 90) as i)`,
    divisor: 4,
  },
  {
    name: '300 KB document',
    text: `(select string_agg(md5(n::text || i), '') from generate_series(1, 9600) as i)`,
    divisor: 100,
  },
]

export const operations = ['insert', 'update', 'delete'] as const
export type Operation = (typeof operations)[number]

export async function createTable(
  client: pg.Client,
  { table }: Pick<Candidate, 'table'>,
): Promise<void> {
  await client.query(`
    create table ${table} (
      id integer primary key, customer text, email text, status text, counter integer,
      total numeric(10, 2), created_at timestamptz, is_active boolean, doc text
    )`)
}

/** One row as SQL; n is its number. */
function row(kind: RowKind): string {
  return `n, 'customer number ' || n, 'customer' || n || '@example.com', 'new', 0, n * 1.5, timestamptz '2026-01-01 00:00+00' + n * interval '1 s', true, ${kind.text}`
}

/** A statement on rows by number: one row, or all. */
function statement(operation: Operation, table: string, kind: RowKind, rows: string): string {
  if (operation === 'insert') return `insert into ${table} select ${row(kind)} from ${rows} as n`
  if (operation === 'update') {
    return `update ${table} set counter = counter + 1, status = 'paid' || counter from ${rows} as n where id = n`
  }
  return `delete from ${table} using ${rows} as n where id = n`
}

/** Rows changed one by one in a loop on the server; milliseconds. */
export async function loop(
  client: pg.Client,
  table: string,
  kind: RowKind,
  operation: Operation,
  count: number,
): Promise<number> {
  const one = statement(operation, table, kind, '(select $1 as n)')
    .replaceAll(' as n where', ' as one where')
    .replace(/ as n$/, ' as one')
  return timed(
    client,
    `do $$ begin for i in 1..${count} loop execute $q$${one}$q$ using i; end loop; end $$`,
  )
}

/** All rows changed by one statement; milliseconds. */
export async function bulk(
  client: pg.Client,
  table: string,
  kind: RowKind,
  operation: Operation,
  count: number,
): Promise<number> {
  return timed(client, statement(operation, table, kind, `generate_series(1, ${count})`))
}

/**
 * Single-row updates in autocommit by several clients, each with a context of its own, sent in one
 * round trip with the statement; statements per second. Candidates without a context send an equal
 * setting.
 */
export async function autocommit(
  url: string,
  { table, hasContext }: Candidate,
  count: number,
  clients = 4,
): Promise<number> {
  const pool = await Promise.all(
    Array.from({ length: clients }, async () => {
      const client = new pg.Client(url)
      await client.connect()
      await client.query('set synchronous_commit = off')
      return client
    }),
  )
  const setting = hasContext ? 'auditrum.context' : 'other.context'
  const statements = Array.from({ length: count }, (_, index) => {
    const id = randomUUID()
    const context = {
      v: 1,
      id,
      root: id,
      metadata: {
        user_id: index,
        change_reason: 'payment received',
        request_id: id,
        source: 'web',
      },
    }
    return `select set_config('${setting}', '${JSON.stringify(context)}', true); update ${table} set counter = counter + 1 where id = ${1 + (index % 1000)}`
  })
  const start = performance.now()
  await Promise.all(
    pool.map(async (client, number) => {
      for (let index = number; index < count; index += clients)
        await client.query(statements[index] as string)
    }),
  )
  const rate = count / ((performance.now() - start) / 1000)
  await Promise.all(pool.map((client) => client.end()))
  return rate
}

async function timed(client: pg.Client, text: string): Promise<number> {
  const start = performance.now()
  await client.query(text)
  return performance.now() - start
}

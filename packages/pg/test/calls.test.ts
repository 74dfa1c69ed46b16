import { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { callsFile, callsTable } from '@auditrum/testkit'
import type pg from 'pg'
import { from as copyFrom, to as copyTo } from 'pg-copy-streams'
import Cursor from 'pg-cursor'
import QueryStream from 'pg-query-stream'
import { beforeAll, expect, test } from 'vitest'
import { auditrum, withContext } from '../src/index.js'
import { type Shop, shop, version } from './support.js'

let it: Shop
beforeAll(async () => {
  it = await shop()
  await it.database.query(`
    create function add_order(note text) returns integer language sql as
      $$ insert into orders (note) values (note) returning id $$;
    create procedure add_orders() language plpgsql as
      $$ begin insert into orders (note) values ('a'); commit; insert into orders (note) values ('b'); end $$;
    create view adding as select add_order('x') as id`)
})

const text = 'insert into orders (note) values ($1)'
const plain = "insert into orders (note) values ('x')"
const callback = (start: (done: (error?: Error | null) => void) => unknown) =>
  new Promise<void>((resolve, reject) => {
    start((error) => (error ? reject(error) : resolve()))
  })

async function connected<Result>(act: (client: pg.PoolClient) => Promise<Result>): Promise<Result> {
  const client = await it.pool.connect()
  try {
    return await act(client)
  } finally {
    client.release()
  }
}

type Answer = 'yes' | 'no' | 'until its first COMMIT; on PostgreSQL 18 not at all'

/** How applications write with node-postgres, and whether that carries the context. */
const calls: Record<string, readonly [Answer, () => Promise<unknown>]> = {
  'pool.query(text)': ['yes', () => it.pool.query(plain)],
  'pool.query(text, values)': ['yes', () => it.pool.query(text, ['x'])],
  'pool.query(text, values, callback)': [
    'yes',
    () => callback((done) => it.pool.query(text, ['x'], done)),
  ],
  'pool.query({ name, text, values })': [
    'yes',
    () => it.pool.query({ name: 'add', text, values: ['x'] }),
  ],
  'pool.query of several commands': ['yes', () => it.pool.query(`${plain}; ${plain}`)],
  'pool.query of a SELECT from a function that writes': [
    'yes',
    () => it.pool.query("select add_order('x')"),
  ],
  'pool.query of EXPLAIN ANALYZE': ['yes', () => it.pool.query(`explain analyze ${plain}`)],
  'pool.query of a SELECT from a view that writes': [
    'no',
    () => it.pool.query('select * from adding'),
  ],
  "the same with carry: 'all'": [
    'yes',
    async () => {
      const pool = it.database.pool()
      auditrum(pool, { carry: 'all', maintain: false })
      await pool.query('select * from adding')
    },
  ],
  'pool.query of DO': ['yes', () => it.pool.query('do $$ begin perform add_order(null); end $$')],
  'pool.query of CALL of a procedure that commits': [
    'until its first COMMIT; on PostgreSQL 18 not at all',
    () => it.pool.query('call add_orders()'),
  ],
  'pool.connect(), client.query()': ['yes', () => connected((client) => client.query(text, ['x']))],
  'pool.connect(callback)': [
    'yes',
    () =>
      callback((done) =>
        it.pool.connect((error, client, release) => {
          if (error || !client) return done(error)
          client.query(text, ['x'], (failed) => {
            release()
            done(failed)
          })
        }),
      ),
  ],
  'a transaction, with savepoints': [
    'yes',
    () =>
      connected(async (client) => {
        for (const each of [
          'begin',
          plain,
          'savepoint a',
          plain,
          'rollback to a',
          plain,
          'commit',
        ]) {
          await client.query(each)
        }
      }),
  ],
  'pg.Client': [
    'yes',
    async () => {
      const client = await it.database.client()
      auditrum(client, { maintain: false })
      await client.query(text, ['x'])
    },
  ],
  'pg.Client with pipeline: true': [
    'yes',
    async () => {
      const client = await it.database.client({ pipeline: true } as pg.ClientConfig)
      auditrum(client, { maintain: false })
      await Promise.all([client.query(text, ['x']), client.query(text, ['y'])])
    },
  ],
  'pg-cursor': [
    'yes',
    () =>
      connected(async (client) => {
        const cursor = client.query(new Cursor(`${text} returning id`, ['x']))
        await cursor.read(10)
        await cursor.close()
      }),
  ],
  'pg-query-stream': [
    'yes',
    () => connected((client) => client.query(new QueryStream(`${plain} returning id`)).toArray()),
  ],
  'pg-copy-streams, COPY FROM': [
    'yes',
    () =>
      connected((client) =>
        pipeline(Readable.from(['x\n']), client.query(copyFrom('copy orders (note) from stdin'))),
      ),
  ],
  'pg-copy-streams, COPY (a query that writes) TO, in a transaction': [
    'yes',
    () =>
      connected(async (client) => {
        await client.query('begin')
        await copyOut(client)
        await client.query('commit')
      }),
  ],
  'the same outside a transaction': ['no', () => connected(copyOut)],
}

function copyOut(client: pg.PoolClient): Promise<void> {
  const sink = new Writable({ write: (_chunk, _encoding, done) => done() })
  return pipeline(client.query(copyTo(`copy (${plain} returning id) to stdout`)), sink)
}

test.each(Object.entries(calls))('%s', async (name, [answer, call]) => {
  await withContext({ user_id: name }, call)
  const users = await it.users()
  expect(users.length).toBeGreaterThan(0)
  const own = { yes: [name], no: [null] } as const
  const expected =
    answer === 'yes' || answer === 'no' ? own[answer] : version >= 18 ? [null] : [name, null]
  expect([...new Set(users)]).toEqual(expected)
})

test('the table of these calls in the documentation is of this test', async () => {
  const answers = Object.fromEntries(
    Object.entries(calls).map(([call, [answer]]) => [call, answer]),
  )
  await expect(callsTable('node-postgres 8', answers)).toMatchFileSnapshot(callsFile('pg'))
})

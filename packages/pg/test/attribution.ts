import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type pg from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import Cursor from 'pg-cursor'
import QueryStream from 'pg-query-stream'
import { expect } from 'vitest'
import { withContext } from '../src/index.js'
import { expectClean, type Shop } from './support.js'

const text = 'insert into orders (note) values ($1)'

/** The ways in which applications write: each inserts a row whose note is the user. */
const styles: Record<string, (pool: pg.Pool, user: string) => Promise<unknown>> = {
  'pool.query': (pool, user) => pool.query(text, [user]),
  'pool.query, no values': (pool, user) =>
    pool.query(`insert into orders (note) values ('${user}')`),
  'pool.query, callback': (pool, user) =>
    new Promise((resolve, reject) => {
      pool.query(text, [`${user}`], (error) => (error ? reject(error) : resolve(undefined)))
    }),
  'pool.query, then in its callback': (pool, user) =>
    new Promise((resolve, reject) => {
      pool.query('select 1', (error) =>
        error ? reject(error) : pool.query(text, [user]).then(resolve, reject),
      )
    }),
  'a named statement': (pool, user) => pool.query({ name: 'add', text, values: [user] }),
  'pool.connect': (pool, user) => withClient(pool, (client) => client.query(text, [user])),
  'pool.connect, callback': (pool, user) =>
    new Promise((resolve, reject) => {
      pool.connect((error, client, release) => {
        if (error || !client) return reject(error)
        client.query(text, [user], (failed) => {
          release()
          failed ? reject(failed) : resolve(undefined)
        })
      })
    }),
  'a transaction': (pool, user) =>
    withClient(pool, async (client) => {
      await client.query('begin')
      await client.query('select 1')
      await client.query(text, [user])
      await client.query('commit')
    }),
  'a cursor': (pool, user) =>
    withClient(pool, async (client) => {
      const cursor = client.query(new Cursor(`${text} returning id`, [user]))
      await cursor.read(10)
      await cursor.close()
    }),
  'a stream': (pool, user) =>
    withClient(pool, (client) =>
      client.query(new QueryStream(`${text} returning id`, [user])).toArray(),
    ),
  COPY: (pool, user) =>
    withClient(pool, (client) =>
      pipeline(
        Readable.from([`${user}\n`]),
        client.query(copyFrom('copy orders (note) from stdin')),
      ),
    ),
}

async function withClient<Result>(pool: pg.Pool, act: (client: pg.PoolClient) => Promise<Result>) {
  const client = await pool.connect()
  try {
    return await act(client)
  } finally {
    client.release()
  }
}

/** Many callers at once, each a user of its own; every event must have the user of its row. */
export async function attribute(
  it: Shop,
  callers: number,
  except: readonly string[] = [],
): Promise<void> {
  const ways = Object.entries(styles).flatMap(([name, way]) => (except.includes(name) ? [] : [way]))
  await Promise.all(
    Array.from({ length: callers }, async (_, n) => {
      const user = `user ${n}`
      await withContext({ user_id: user, source: 'web' }, async () => {
        await new Promise((resolve) => setImmediate(resolve))
        await ways[n % ways.length]?.(it.pool, user)
      })
    }),
  )
  const { rows } = await it.database.query(`
    select count(*)::int as events, count(distinct user_id)::int as users,
      count(*) filter (where user_id is distinct from new_data ->> 'note')::int as wrong
    from auditrum.auditlog`)
  expect(rows).toEqual([{ events: callers, users: callers, wrong: 0 }])
  const clients = await Promise.all(Array.from({ length: 5 }, () => it.pool.connect()))
  for (const client of clients) {
    await expectClean(client)
    client.release()
  }
}

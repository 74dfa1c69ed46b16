import type { Queryable } from '@auditrum/core'
import pg from 'pg'
import { beforeEach, describe, expect, test } from 'vitest'
import { queryableOf } from '../src/adapter.js'
import { type Auditrum, withContext } from '../src/index.js'
import { expectClean, type Shop, shop } from './support.js'

/** What was sent, beside what makes it carry a context. */
let sent: string[] = []
class Recording extends pg.Client {
  override query(...args: unknown[]): never {
    const [config] = args as [string | { readonly text?: string }]
    sent.push(String(typeof config === 'string' ? config : config.text))
    return (super.query as (...args: unknown[]) => never)(...args)
  }
}

const numbers = 'select generate_series(1, $1::int) as n'

function stream(queryable: Queryable, text: string, values?: unknown[]): AsyncIterable<unknown> {
  const rows = queryable.stream?.(text, values)
  if (!rows) throw new Error('It does not stream.')
  return rows
}

async function take<Row>(rows: AsyncIterable<Row>, count: number): Promise<Row[]> {
  const taken: Row[] = []
  for await (const row of rows) if (taken.push(row) === count) break
  return taken
}

const all = <Row>(rows: AsyncIterable<Row>) => take(rows, Number.POSITIVE_INFINITY)
const fetches = () => sent.filter((text) => text.startsWith('fetch'))

async function recordingShop(max: number): Promise<Shop> {
  const it = await shop({ max, Client: Recording } as pg.PoolConfig)
  await it.pool.query('insert into orders (note) select n from generate_series(1, 1000) as n')
  sent = []
  return it
}

test('as many readers as there are connections leave one for what they do with each row', async () => {
  const { pool, audit, database } = await shop({ max: 2 })
  await database.query('insert into orders (note) select n from generate_series(1, 700) as n')
  const read = async () => {
    let count = 0
    for await (const _ of audit.tableAsOf('orders', new Date())) {
      if (count++ % 300 === 0) await pool.query('select 1')
    }
    return count
  }
  expect(await Promise.all([read(), read(), read()])).toEqual([700, 700, 700])
  expect(pool.idleCount).toBe(pool.totalCount)
  // and lend it again afterwards
  expect(await read()).toBe(700)
})

describe('rows of a pool', () => {
  let it: Shop
  let audit: Auditrum
  beforeEach(async () => {
    it = await recordingShop(2)
    audit = it.audit
    return () => {
      // whatever happened: every connection is back, and clean
      expect(it.pool.idleCount).toBe(it.pool.totalCount)
    }
  })

  test('come in one transaction that can only read, and carry no context', async () => {
    const rows = await withContext({ user_id: 'anna' }, () =>
      all(
        stream(queryableOf(it.pool), `select ${setting}, ${readOnly} from generate_series(1, 60)`),
      ),
    )
    expect(rows).toEqual(Array(60).fill({ setting: '', read_only: 'on' }))
    expect(sent.map((text) => text.split(' ')[0])).toEqual([
      'begin',
      'declare',
      'fetch',
      'fetch',
      'close',
      'commit',
    ])
    const client = await it.pool.connect()
    await expectClean(client)
    client.release()
  })

  test('are asked for as they are wanted, and no longer', async () => {
    const at = new Date(Date.now() + 1000)
    expect(await take(audit.tableAsOf('orders', at), 10)).toHaveLength(10)
    expect(fetches()).toHaveLength(1)
    // those that changed since are in their place, too
    const before = (await it.pool.query('select * from orders order by id')).rows
    const then = (await it.pool.query('select clock_timestamp()::text as now')).rows[0].now
    await it.pool.query(
      `delete from orders where id % 7 = 0; update orders set note = 'x' where id % 5 = 0; update orders set id = -id where id % 11 = 0`,
    )
    expect(await all(audit.tableAsOf('orders', then))).toEqual(before)
    sent = []
    const endless = stream(queryableOf(it.pool), numbers, [2_000_000_000])
    expect(await take(endless, 300)).toHaveLength(300)
    expect(fetches()).toHaveLength(3)
  })

  test('come few at a time where they are large', async () => {
    const large = stream(
      queryableOf(it.pool),
      `select repeat(n::text, 100000) as text from generate_series(1, 120) as n`,
    )
    expect(await all(large)).toHaveLength(120)
    const [, ...sizes] = fetches().map((text) => Number(text.split(' ')[1]))
    expect(Math.max(...sizes)).toBeLessThan(12)
  })

  test('leave the connection to others, whatever ends them', async () => {
    const queryable = queryableOf(it.pool)
    const failing = stream(queryable, 'select 1 / (200 - n) from generate_series(1, 1000) as n')
    await expect(all(failing)).rejects.toMatchObject({ code: '22012' })
    await expect(all(stream(queryable, 'select nonsense'))).rejects.toMatchObject({ code: '42703' })
    const loop = async () => {
      for await (const _ of stream(queryable, numbers, [1000])) throw new Error('of the consumer')
    }
    await expect(loop()).rejects.toThrow('of the consumer')
    const opened = stream(queryable, numbers, [10])[Symbol.asyncIterator]()
    expect(await opened.return?.()).toEqual({ done: true, value: undefined })
    const client = await it.pool.connect()
    await expectClean(client)
    client.release()
  })

  test('that break off with their connection are an error of the loop alone', async () => {
    const kill = async () => {
      for await (const _ of stream(queryableOf(it.pool), numbers, [1000])) {
        await it.database.query(
          `select pg_terminate_backend(pid) from pg_stat_activity where state = 'idle in transaction' and datname = $1`,
          [it.database.name],
        )
      }
    }
    await expect(kill()).rejects.toThrow()
    expect((await it.pool.query('select 1 as one')).rows).toEqual([{ one: 1 }])
  })
})

const setting = `coalesce(current_setting('auditrum.context', true), '') as setting`
const readOnly = `current_setting('transaction_read_only') as read_only`

test('a pool of one connection is read in pages, so that the loop can use it, too', async () => {
  const it = await recordingShop(1)
  let count = 0
  for await (const order of it.audit.tableAsOf('orders', new Date(Date.now() + 1000))) {
    if (count++ < 3) await it.pool.query('select $1::text', [JSON.stringify(order)])
  }
  expect(count).toBe(1000)
  expect(fetches()).toEqual([])
})

describe('in a transaction of the caller', () => {
  let it: Shop
  let client: pg.PoolClient
  let audit: Auditrum
  beforeEach(async () => {
    it = await recordingShop(2)
    client = await it.pool.connect()
    audit = it.audit.on(client)
    await client.query('begin')
    sent = []
    return async () => {
      await client.query('rollback')
      client.release()
    }
  })
  const soon = () => new Date(Date.now() + 60_000)

  test('other statements run between two rows', async () => {
    await client.query(`insert into orders (note) values ('mine')`)
    let count = 0
    for await (const { id } of audit.tableAsOf<{ id: number }>('orders', soon())) {
      count++
      if (id % 100 === 0) await client.query('update orders set note = $1 where id = $2', ['x', id])
    }
    expect(count).toBe(1001)
    expect(fetches().length).toBeGreaterThan(2)
    expect(sent).not.toContain('begin read only')
    await client.query('alter table orders add more int')
  })

  test('two are read at once, and what stops early leaves nothing open', async () => {
    const [first, second] = await Promise.all([
      take(audit.tableAsOf('orders', soon()), 70),
      take(audit.tableAsOf('orders', soon()), 70),
    ])
    expect(first).toEqual(second)
    expect((await client.query('select from pg_cursors')).rowCount).toBe(0)
    await client.query('alter table orders add more int')
  })

  test('one that is undone to before it can be left, and not be read on', async () => {
    const open = async () => {
      const rows = audit.tableAsOf('orders', soon())[Symbol.asyncIterator]()
      await client.query('savepoint before')
      await rows.next()
      await client.query('rollback to before')
      return rows
    }
    await (await open()).return?.()
    expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }])
    const rows = await open()
    const readOn = async () => {
      while (!(await rows.next()).done);
    }
    await expect(readOn()).rejects.toMatchObject({
      code: 'AUDITRUM_USAGE',
      message: expect.stringMatching(/transaction .* has ended, or was undone/),
    })
  })

  test('one whose transaction has ended begins no other', async () => {
    const readOn = async () => {
      for await (const _ of audit.tableAsOf('orders', soon())) await client.query('commit')
    }
    await expect(readOn()).rejects.toMatchObject({ code: 'AUDITRUM_USAGE' })
    await expectClean(client)
  })

  test('and outside of one a client is read in pages', async () => {
    await client.query('commit')
    sent = []
    expect(await all(audit.tableAsOf('orders', soon()))).toHaveLength(1000)
    expect(fetches()).toEqual([])
    expect(sent.join()).not.toMatch(/begin/i)
  })
})

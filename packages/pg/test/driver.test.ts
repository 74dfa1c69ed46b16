import { once } from 'node:events'
import { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import pg from 'pg'
import { from as copyFrom, to as copyTo } from 'pg-copy-streams'
import Cursor from 'pg-cursor'
import QueryStream from 'pg-query-stream'
import { beforeAll, describe, expect, test } from 'vitest'
import { auditrum, track, withContext } from '../src/index.js'
import { expectClean, type Shop, shop } from './support.js'

let it: Shop
let client: pg.PoolClient
beforeAll(async () => {
  it = await shop({ max: 3 })
  client = await it.pool.connect()
  await it.database.query(
    'create function touch(n int) returns setof int language sql as $$ insert into orders select from generate_series(1, n) returning id $$',
  )
})
const as = <Result>(user: string, act: () => Result) => withContext({ user_id: user }, act)
const insert = 'insert into orders (note) values ($1) returning note'

describe('a result', () => {
  test.each([
    ['a text', [`insert into orders (note) values ('x') returning note`]],
    ['values', [insert, ['x']]],
    ['undefined for values', [`insert into orders (note) values ('x') returning note`, undefined]],
    ['an object', [{ text: insert, values: ['x'] }]],
    ['an object and values', [{ text: insert }, ['x']]],
    ['rowMode', [{ text: insert, values: ['x'], rowMode: 'array' }]],
    ['types', [{ text: insert, values: ['x'], types: { getTypeParser: () => () => 'parsed' } }]],
    [
      'binary',
      [{ text: 'insert into orders (id) values ($1) returning id', values: [-1], binary: true }],
    ],
    [
      'queryMode',
      [{ text: `insert into orders (note) values ('x') returning note`, queryMode: 'extended' }],
    ],
    ['a name', [{ name: 'n', text: insert, values: ['x'] }]],
    [
      'several commands',
      [
        `insert into orders (note) values ('x') returning note; select 1 as one; update orders set note = 'y' where false`,
      ],
    ],
    [
      'no rows',
      [`with new as (insert into orders default values) delete from orders where note = 'nobody'`],
    ],
    [
      'parameters of every kind',
      [
        `insert into orders (note) values (concat($1::text, $2::int, $3::bool, $4::bytea, $5::jsonb, $6::int[], $7::timestamptz at time zone 'UTC', $8::text)) returning note`,
        ['é', 1, true, Buffer.from('x'), { a: 1 }, [1, 2], new Date(0), null],
      ],
    ],
  ])('of %s is the same with a context as without', async (_, args) => {
    const plain = await it.database.client()
    const run = async (on: pg.ClientBase) => {
      const result: unknown = await (on.query as (...args: unknown[]) => Promise<unknown>)(...args)
      await it.database.query('delete from orders')
      return JSON.parse(
        JSON.stringify(result, (key, value) =>
          key.startsWith('_') || key.endsWith('ID') ? undefined : value,
        ),
      )
    }
    expect(await as('anna', () => run(client))).toEqual(await run(plain))
    expect(await it.users()).toContain('anna')
  })

  test('of a client with binary results is the same', async () => {
    const options = { binary: true } as pg.ClientConfig
    const plain = await it.database.client(options)
    const wrapped = await it.database.client(options)
    const audit = auditrum(wrapped, { maintain: false })
    const text = `insert into orders (id) values (default) returning 1 as one, 1.5::float8 as two`
    expect((await as('anna', () => wrapped.query(text))).rows).toEqual(
      (await plain.query(text)).rows,
    )
    audit.close()
  })

  test('by callback comes by callback, and nothing is returned', async () => {
    for (const args of [
      [`insert into orders (note) values ('x') returning note`],
      [insert, ['x']],
      [{ text: insert, values: ['x'] }],
      ['select 1 as note'],
    ]) {
      await new Promise<void>((resolve, reject) => {
        const query = client.query as (...args: unknown[]) => unknown
        const returned = as('anna', () =>
          query(...args, (error: Error | null, result: pg.QueryResult) =>
            error ? reject(error) : resolve(expect(result.rows).toHaveLength(1)),
          ),
        )
        expect(returned).toBeUndefined()
      })
    }
    expect(
      await new Promise((resolve) =>
        client.query('selec 1', (error) => resolve((error as { code?: string }).code)),
      ),
    ).toBe('42601')
  })

  test('that is an error has its code, position and a stack that leads to the caller', async () => {
    async function caller() {
      await as('anna', () => client.query('insert into orders (nothing) values ($1)', [1]))
    }
    const error = await caller().catch((caught) => caught)
    expect(error).toMatchObject({ code: '42703', position: '21' })
    expect(error.stack).toContain('caller')
    for (const wrong of [null, undefined]) {
      expect(() => client.query(wrong as never)).toThrow('null or undefined query')
    }
    await expect(
      as('anna', () => client.query({ text: insert, values: 'x' } as never)),
    ).rejects.toThrow('must be an array')
    await as('anna', () => client.query(insert, ['y']))
    await it.users()
  })
})

describe('a named statement', () => {
  test('that fails first succeeds later', async () => {
    const query = { name: 'late', text: 'insert into later values (1)' }
    await expect(as('anna', () => client.query(query))).rejects.toMatchObject({ code: '42P01' })
    await it.database.query(`create table later (id int); select auditrum.track('later')`)
    await as('anna', () => client.query(query))
    await as('ben', () => client.query(query))
    await expect(
      as('ben', () => client.query({ name: 'late', text: 'select 2; --' })),
    ).rejects.toThrow('must be unique')
    await expect(
      as('ben', () => client.query({ name: 'late', text: 'delete from later' })),
    ).rejects.toThrow('must be unique')
    await as('cleo', () => client.query(query))
    expect(await it.users()).toEqual(['anna', 'ben', 'cleo'])
  })

  test('that is prepared carries the context when only its name is given', async () => {
    await as('anna', () => client.query({ name: 'note', text: insert, values: ['x'] }))
    const byName = { name: 'note', values: ['y'] } as unknown as pg.QueryConfig
    await as('ben', () => client.query(byName))
    await client.query('begin')
    await as('anna', () => client.query(insert, ['x']))
    await as('ben', () => client.query(byName))
    await client.query('commit')
    expect(await it.users()).toEqual(['anna', 'ben', 'anna', 'ben'])
    await expectClean(client)
  })
})

describe('the statement that sends the context', () => {
  test('is prepared once, and again forgotten with DISCARD ALL and DEALLOCATE', async () => {
    const own = await it.database.client()
    const audit = auditrum(own, { maintain: false })
    const prepared = async () =>
      (await own.query('select name from pg_prepared_statements order by name')).rows
    const write = () => as('anna', () => own.query(insert, ['x']))
    await write()
    expect(await prepared()).toEqual([])
    await write()
    expect(await prepared()).toEqual([{ name: 'auditrum.context' }])
    await write()
    for (const forget of ['discard all', 'deallocate all', 'deallocate prepare all']) {
      await own.query(forget)
      await write()
      await own.query('begin')
      await write()
      await own.query('commit')
    }
    expect(await it.users()).toEqual(Array(9).fill('anna'))
    audit.close()
  })

  test('that was deallocated where no text shows it makes no write fail', async () => {
    const own = await it.database.client()
    const audit = auditrum(own, { maintain: false })
    const write = () => as('anna', () => own.query(insert, ['x']))
    await write()
    await write()
    await it.database.query(
      `create function forget() returns void language plpgsql as $$ begin execute 'deallocate all'; end $$`,
    )
    await own.query('select forget()')
    await write()
    await own.query(`do $$ begin execute 'deallocate all'; end $$`)
    await own.query('begin')
    await write()
    await own.query('commit')
    expect(await it.users()).toEqual(['anna', 'anna', 'anna', 'anna'])
    audit.close()
  })

  test('that was interrupted is sent again', async () => {
    const own = await it.database.client()
    const audit = auditrum(own, { maintain: false })
    for (let turn = 0; turn < 3; turn++) {
      await own.query('begin')
      await own.query('selec').catch(() => undefined)
      await expect(as('anna', () => own.query(insert, ['x']))).rejects.toMatchObject({
        code: '25P02',
      })
      await own.query('rollback')
      await as('anna', () => own.query(insert, ['x']))
    }
    expect(await it.users()).toEqual(['anna', 'anna', 'anna'])
    audit.close()
  })
})

describe('time and interruption', () => {
  test('query_timeout, statement_timeout and cancel leave a connection that works', async () => {
    const slow = 'insert into orders (note) select pg_sleep(5)::text'
    const timed = await it.database.client({ query_timeout: 50 })
    const audit = auditrum(timed, { maintain: false })
    await expect(as('anna', () => timed.query(slow))).rejects.toThrow('Query read timeout')
    audit.close()
    await expect(
      as('anna', () => it.pool.query({ text: slow, query_timeout: 50 } as never)),
    ).rejects.toThrow('Query read timeout')

    await client.query(`set statement_timeout = 100`)
    await expect(as('anna', () => client.query(slow))).rejects.toMatchObject({ code: '57014' })
    await client.query('reset statement_timeout')
    const { rows } = await client.query('select pg_backend_pid() as pid')
    const interrupted = expect(as('anna', () => client.query(slow))).rejects.toMatchObject({
      code: '57014',
    })
    await until(
      async () =>
        (
          await it.database.query(
            `select from pg_stat_activity where pid = $1 and wait_event = 'PgSleep'`,
            [rows[0].pid],
          )
        ).rowCount === 1,
    )
    await it.database.query('select pg_cancel_backend($1)', [rows[0].pid])
    await interrupted
    await as('anna', () => client.query(insert, ['x']))
    expect(await it.users()).toEqual(['anna'])
  })

  test('an idle client that dies is replaced, and a pool ends under load', async () => {
    const mortal = await shop({ max: 2 })
    const { rows } = await mortal.pool.query('select pg_backend_pid() as pid')
    const gone = new Promise((resolve) => mortal.pool.once('remove', resolve))
    await it.database.query('select pg_terminate_backend($1)', [rows[0].pid])
    await gone
    const writes = Array.from({ length: 20 }, (_, n) =>
      as(`u${n}`, () => mortal.pool.query(insert, ['x'])),
    )
    const settled = Promise.all(writes)
    await new Promise((resolve) => setImmediate(resolve))
    await settled
    await mortal.pool.end()
    expect((await mortal.users()).toSorted()).toEqual(
      Array.from({ length: 20 }, (_, n) => `u${n}`).toSorted(),
    )
  })
})

describe('cursors and streams', () => {
  test('a cursor that writes carries the context', async () => {
    const cursor = as('anna', () => client.query(new Cursor('select touch($1)', [3])))
    expect(await cursor.read(2)).toHaveLength(2)
    expect(await cursor.read(2)).toHaveLength(1)
    await cursor.close()
    expect(await it.users()).toEqual(['anna', 'anna', 'anna'])
    await expectClean(client)
  })

  test('a cursor closed early, a wrong one, and one in a transaction', async () => {
    const early = as('anna', () => client.query(new Cursor('select * from touch(3)')))
    await early.read(1)
    await early.close()
    const wrong = as('anna', () => client.query(new Cursor('insert into nothing values (1)')))
    await expect(wrong.read(1)).rejects.toMatchObject({ code: '42P01' })
    await client.query('begin')
    const inside = as('ben', () => client.query(new Cursor('select touch(1)')))
    await inside.read(10)
    await inside.close()
    await as('ben', () => client.query(insert, ['x']))
    await client.query('commit')
    const users = await it.users()
    expect(users.slice(-2)).toEqual(['ben', 'ben'])
    await expectClean(client)
  })

  test('a stream finds the context of who opened it in its events', async () => {
    const stream = as('anna', () =>
      client.query(new QueryStream('select n from generate_series(1, 5) as n')),
    )
    const writes: Promise<unknown>[] = []
    stream.on('data', ({ n }) => writes.push(it.pool.query(insert, [String(n)])))
    await once(stream, 'end')
    await Promise.all(writes)
    expect(await it.users()).toEqual(Array(5).fill('anna'))
  })

  test('a stream that writes carries the context, alone and in a transaction', async () => {
    const stream = as('anna', () => client.query(new QueryStream('select touch($1) as id', [2])))
    expect((await stream.toArray()).length).toBe(2)
    await client.query('begin')
    const inside = as('ben', () => client.query(new QueryStream(`${insert}, id`, ['x'])))
    expect(await inside.toArray()).toMatchObject([{ note: 'x' }])
    await as('cleo', () => client.query(insert, ['x']))
    await client.query('commit')
    expect(await it.users()).toEqual(['anna', 'anna', 'ben', 'cleo'])
    await expectClean(client)
  })

  test('COPY in carries the context, and its end is the commit', async () => {
    const stream = as('anna', () => client.query(copyFrom('copy orders (note) from stdin')))
    await pipeline(Readable.from(['a\n', 'b\n']), stream)
    expect(await it.users()).toEqual(['anna', 'anna'])
    await expectClean(client)
    await client.query('begin')
    await pipeline(
      Readable.from(['c\n']),
      as('ben', () => client.query(copyFrom('copy orders (note) from stdin'))),
    )
    await client.query('commit')
    expect(await it.users()).toEqual(['ben'])
  })

  test('COPY in that fails, is destroyed, or has no stream leaves a connection that works', async () => {
    const wrong = as('anna', () => client.query(copyFrom('copy orders (id) from stdin')))
    await expect(pipeline(Readable.from(['x\n']), wrong)).rejects.toMatchObject({ code: '22P02' })
    const missing = as('anna', () => client.query(copyFrom('copy nothing from stdin')))
    await expect(pipeline(Readable.from(['x\n']), missing)).rejects.toMatchObject({ code: '42P01' })
    const destroyed = as('anna', () => client.query(copyFrom('copy orders (note) from stdin')))
    destroyed.write('x\n')
    destroyed.destroy(new Error('enough'))
    await once(destroyed, 'close').catch(() => undefined)
    await expect(
      as('anna', () => client.query('copy orders (note) from stdin')),
    ).rejects.toMatchObject({ code: '57014' })
    await as('anna', () => client.query(insert, ['x']))
    expect(await it.users()).toEqual(['anna'])
    await expectClean(client)
  })

  test('COPY out of a query that writes is never attributed to an ended block', async () => {
    const copy = async (user: string) => {
      const text: string[] = []
      const sink = new Writable({
        write(chunk, _, done) {
          text.push(String(chunk))
          done()
        },
      })
      const out = `copy (insert into orders (note) values ('q') returning note) to stdout`
      await pipeline(
        as(user, () => client.query(copyTo(out))),
        sink,
      )
      expect(text.join('')).toBe('q\n')
    }
    await copy('anna')
    await client.query('begin')
    await as('ben', () => client.query(insert, ['x']))
    await copy('cleo')
    await client.query('commit')
    // outside of a transaction it cannot carry one: pg-copy-streams reads the socket by itself
    expect(await it.users()).toEqual([null, 'ben', 'cleo'])
    await expectClean(client)
  })

  test('a query object whose text nobody knows is not attributed to an ended block', async () => {
    class Secret extends QueryStream {
      declare cursor: unknown
      constructor(text: string) {
        super(text)
        Object.defineProperty(this, 'cursor', { value: new Proxy(Object(this.cursor), hidden) })
      }
    }
    const hidden: ProxyHandler<object> = {
      get: (target, name) => {
        const value = name === 'text' ? undefined : Reflect.get(target, name)
        return typeof value === 'function' ? value.bind(target) : value
      },
    }
    await client.query('begin')
    await as('anna', () => client.query(insert, ['x']))
    await as('ben', () =>
      client.query(new Secret(`insert into orders (note) values ('y') returning id`)).toArray(),
    )
    await client.query('commit')
    expect(await it.users()).toEqual(['anna', 'ben'])
  })

  test("a query object of the application's own carries it", async () => {
    const query = as('anna', () =>
      client.query(new pg.Query(`insert into orders (note) values ('x') returning note`)),
    )
    const rows: unknown[] = []
    query.on('row', (row: unknown) => rows.push(row))
    await once(query, 'end')
    expect(rows).toEqual([{ note: 'x' }])
    expect(await it.users()).toEqual(['anna'])
  })
})

test('query objects of several commands are never attributed to an ended block', async () => {
  const several = () =>
    once(
      client.query(
        new pg.Query('insert into orders default values; insert into orders default values'),
      ),
      'end',
    )
  await client.query('begin')
  await as('anna', () => client.query(insert, ['x']))
  await several()
  await as('ben', several)
  await client.query('commit')
  expect(await it.users()).toEqual(['anna', null, null, 'ben', 'ben'])
})

describe('a pipeline', () => {
  test('carries one context for each statement, also of transactions', async () => {
    const piped = await it.database.client({ pipeline: true } as pg.ClientConfig)
    const audit = auditrum(piped, { maintain: false })
    const asked = [
      as('anna', () => piped.query(insert, ['1'])),
      as('ben', () => piped.query(`insert into orders (note) values ('2')`)),
      piped.query('select 3'),
      piped.query('begin'),
      as('cleo', () => piped.query(insert, ['4'])),
      as('cleo', () => piped.query(insert, ['5'])),
      as('dora', () => piped.query('insert into orders (nothing) values (1)')).catch(
        ({ code }) => code,
      ),
      piped.query('rollback'),
      piped.query(insert, ['6']),
      as('emil', () => piped.query({ name: 'p', text: insert, values: ['7'] })),
      as('fred', () => piped.query({ name: 'p', text: insert, values: ['8'] })),
    ]
    const results = await Promise.all(asked)
    expect(results[6]).toBe('42703')
    expect(await it.users()).toEqual(['anna', 'ben', null, 'emil', 'fred'])
    await piped.query('begin')
    await as('gina', () => piped.query(insert, ['9']))
    await piped.query('commit')
    expect(await it.users()).toEqual(['gina'])
    audit.close()
  })
})

describe('wrapping', () => {
  test('twice, and a client of a wrapped pool, is harmless', async () => {
    expect(auditrum(it.pool)).toBe(it.audit)
    const again = auditrum(client, { maintain: false })
    await as('anna', () => client.query(insert, ['x']))
    again.close()
    await as('anna', () => client.query(insert, ['x']))
    expect(await it.users()).toEqual(['anna', 'anna'])
  })

  test('again declares more tables, and takes no other option', async () => {
    const own = await shop()
    await own.database.query('create table late (id int primary key)')
    expect(auditrum(own.pool, { tables: [track('orders'), track('late')] })).toBe(own.audit)
    expect((await own.audit.sync()).installed).toEqual(['public.late'])
    expect(() => auditrum(own.pool, { carry: 'all' })).toThrow('"carry" comes too late')
    const wrong = it.database.pool()
    expect(() => auditrum(wrong, { carrry: 'all' } as never)).toThrow('Did you mean "carry"?')
    expect(() => auditrum(wrong, null as never)).toThrow('was given null as its options')
    for (const signing of ['x', {}, null, { key: 'short' }]) {
      expect(() => auditrum(wrong, { signing } as never)).toThrow('Give { key }')
    }
    for (const ttl of [-1, 0, '300', Number.NaN]) {
      const signing = { key: 'k'.repeat(32), ttl }
      expect(() => auditrum(wrong, { signing } as never)).toThrow('has the ttl')
    }
    for (const target of ['postgres://u:secret@h/d', null, {}]) {
      expect(() => auditrum(target as never)).toThrow('not a pool or client of pg')
    }
  })

  test('takes clients that are connected, idle or checked out, and close() leaves pg as it was', async () => {
    const pool = it.database.pool({ max: 2 })
    const busy = await pool.connect()
    await pool.query('select 1')
    const audit = auditrum(pool, { maintain: false })
    await as('anna', () => busy.query(insert, ['x']))
    await as('ben', () => pool.query(insert, ['x']))
    busy.release()
    audit.close()
    await as('cleo', () => pool.query(insert, ['x']))
    expect(await it.users()).toEqual(['anna', 'ben', null])
    expect(Object.getOwnPropertySymbols(pool)).toEqual(
      Object.getOwnPropertySymbols(it.database.pool()),
    )
    expect(Object.hasOwn(pool, 'connect')).toBe(false)
    const one = await pool.connect()
    expect(Object.hasOwn(one, 'query')).toBe(false)
    expect(one.listenerCount('error')).toBeGreaterThanOrEqual(0)
    one.release()
  })

  test('keeps the events and hooks of a pool', async () => {
    const seen: string[] = []
    const pool = it.database.pool({
      max: 1,
      verify: (_: unknown, done: (error?: Error) => void) => {
        seen.push('verify')
        done()
      },
    } as pg.PoolConfig)
    const audit = auditrum(pool, { maintain: false })
    for (const event of ['connect', 'acquire', 'release', 'remove'] as const)
      pool.on(event as 'connect', () => seen.push(event))
    await as('anna', () => pool.query(insert, ['x']))
    await pool.end()
    await until(() => seen.includes('remove'))
    expect(seen).toEqual(['connect', 'acquire', 'verify', 'release', 'remove'])
    audit.close()
    await it.users()
  })

  test('LISTEN and NOTIFY work', async () => {
    const notified = once(client, 'notification')
    await as('anna', () => client.query('listen news'))
    await as('anna', () => client.query(`notify news, 'x'`))
    expect((await notified)[0]).toMatchObject({ payload: 'x' })
  })

  test('refuses pg-native with a sentence', () => {
    class Native {
      query() {}
    }
    const pool = { totalCount: 0, Client: Native, on() {}, query() {} }
    expect(() => auditrum(pool as never)).toThrow('pg-native')
    expect(() => auditrum(new Native() as never)).toThrow('pg-native')
  })
})

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 5))
}

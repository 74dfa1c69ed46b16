import { AsyncLocalStorage } from 'node:async_hooks'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import fc from 'fast-check'
import pg from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import Cursor from 'pg-cursor'
import { beforeEach, describe, expect, test } from 'vitest'
import { auditrum, withChangeReason, withContext } from '../src/index.js'
import { expectClean, type Shop, shop, version } from './support.js'

let it: Shop
let client: pg.PoolClient
beforeEach(async () => {
  it = await shop({ max: 2 })
  client = await it.pool.connect()
  return () => client.release()
})

const as = <Result>(user: string, act: () => Result) => withContext({ user_id: user }, act)
const text = 'insert into orders (note) values ($1)'
const insert = (note: string) => `insert into orders (note) values ('${note}')`
const run = async (...texts: string[]) => {
  for (const each of texts) await client.query(each)
}
const fails = (statement: string) => expect(client.query(statement)).rejects.toThrow()

describe('what a client sends in a header', () => {
  const values = [
    "$', true); delete from plain; --",
    '$$100',
    '$&',
    '$`',
    "\\'; drop table plain; --",
    "''",
  ]

  test.each(values)('is data in a text of several commands: %s', async (value) => {
    await it.database.query('insert into plain values (1)')
    const several = `${insert('a')};\n ${insert('b')}`
    await withContext({ user_id: 'anna', user_agent: value }, () => client.query(several))
    const { events } = await it.audit.page()
    expect(events.map(({ userId }) => userId)).toEqual(['anna', 'anna'])
    expect(events[0]?.context?.metadata?.user_agent).toBe(value)
    expect((await it.database.query('select * from plain')).rows).toHaveLength(1)
  })

  test('is data whatever it is', async () => {
    const hostile = fc.string({
      unit: fc.constantFrom(...`$'"\\\`&;-/*E{}[]() 0a\n\u00e9`),
      maxLength: 40,
    })
    await fc.assert(
      fc.asyncProperty(hostile, async (value) => {
        await withContext({ user_agent: value }, () =>
          client.query(`${insert('a')}; ${insert('b')}`),
        )
        const [event] = (await it.audit.page({ limit: 1 })).events
        expect(event?.context?.metadata).toEqual({ user_agent: value })
      }),
      { numRuns: 200 },
    )
  })

  test('is data where an instrumentation puts a comment in front of the text', async () => {
    class Commenting extends pg.Client {
      override query(...args: unknown[]): never {
        const [query] = args as [{ text: string } | string]
        if (typeof query === 'string') args[0] = `/* a comment */ ${query}`
        else query.text = `/* a comment of some length */ ${query.text}`
        return (super.query as (...args: unknown[]) => unknown).apply(this, args) as never
      }
    }
    await it.database.query('insert into plain values (1)')
    const commenting = new Commenting(it.database.url)
    await commenting.connect()
    auditrum(commenting, { maintain: false })
    const results = (await withContext(
      { user_id: 'anna', user_agent: '*/ delete from plain; --' },
      () => commenting.query(`select 1 as x; ${insert('a')}; set a.b = c; ${insert('b')}`),
    )) as unknown as pg.QueryResult[]
    expect(results.map(({ command }) => command)).toEqual(['SELECT', 'INSERT', 'SET', 'INSERT'])
    expect(results[0]?.rows).toEqual([{ x: 1 }])
    expect(await it.users()).toEqual(['anna', 'anna'])
    expect((await it.database.query('select * from plain')).rows).toHaveLength(1)
    await commenting.end()
  })
})

describe('in one text with what ends or undoes, a write has the user of its own caller', () => {
  test('after ROLLBACK TO in a transaction that failed', async () => {
    await run('begin')
    await as('anna', () => client.query(insert('a')))
    await run('savepoint s')
    await fails('selec')
    await as('ben', () => client.query(`rollback to s; ${insert('b')}`))
    await fails('selec')
    await client.query(`rollback to s; ${insert('c')}`)
    await run('commit')
    expect(await it.users()).toEqual(['anna', null])
  })

  test('after ROLLBACK TO that took its own setting back', async () => {
    await run('begin')
    await as('anna', () => client.query(insert('a')))
    await run('savepoint s')
    await as('ben', async () => {
      await client.query(insert('undone'))
      await client.query(`rollback to s; ${insert('b')}`)
      await client.query(new pg.Query(`rollback to s; ${insert('c')}`))
      await client.query('select 1')
    })
    await run('commit')
    expect(await it.users()).toEqual(['anna', 'ben'])
  })

  test('after COMMIT AND CHAIN, COMMIT and ROLLBACK', async () => {
    await run('begin')
    await as('anna', () => client.query(`commit and chain; ${insert('a')}`))
    await client.query(insert('nobody'))
    await run('commit')
    await run('begin')
    await as('ben', async () => {
      await client.query(insert('b'))
      await client.query(`commit; ${insert('c')}`)
      await run('begin')
      await fails('selec')
      await client.query(`rollback; begin; ${insert('d')}; commit`)
    })
    expect(await it.users()).toEqual(['anna', null, 'ben', 'ben', 'ben'])
    await expectClean(client)
  })
})

test('a query object of several commands carries the context', async () => {
  const query = as('anna', () => client.query(new pg.Query(`${insert('a')}; ${insert('b')}`)))
  await new Promise((resolve) => query.on('end', resolve))
  expect(await it.users()).toEqual(['anna', 'anna'])
})

describe('a client that is wrapped', () => {
  test('in the middle of a transaction does not keep the first user for all', async () => {
    const own = await it.database.client()
    await own.query('begin')
    auditrum(own, { maintain: false })
    await as('anna', () => own.query(insert('a')))
    await own.query(insert('nobody'))
    await own.query('commit')
    expect(await it.users()).toEqual(['anna', null])
  })

  test('and closed in one leaves no user behind, and can be wrapped again', async () => {
    const own = await it.database.client()
    const audit = auditrum(own, { maintain: false })
    const write = (user: string) => as(user, () => own.query(text, [user]))
    for (const user of ['a', 'b', 'c']) await write(user)
    await own.query('begin')
    await write('d')
    audit.close()
    await write('nobody')
    await own.query('commit')
    auditrum(own, { maintain: false })
    for (const user of ['e', 'f', 'g']) await write(user)
    expect(await it.users()).toEqual(['a', 'b', 'c', 'd', null, 'e', 'f', 'g'])
  })

  test('keeps what the application has put in front of query and connect', async () => {
    const heard: string[] = []
    const pool = it.database.pool({ max: 1 })
    const { connect } = pool
    const patched = function (this: pg.Pool, ...args: unknown[]) {
      heard.push('connect')
      return (connect as (...args: unknown[]) => unknown).apply(this, args)
    }
    Object.assign(pool, { connect: patched })
    pool.on('connect', (each) => {
      const { query } = each
      Object.assign(each, {
        query(...args: unknown[]) {
          heard.push('query')
          return (query as (...args: unknown[]) => unknown).apply(each, args)
        },
      })
    })
    const audit = auditrum(pool, { maintain: false })
    await as('anna', () => pool.query(text, ['a']))
    expect(heard).toEqual(['connect', 'query'])
    audit.close()
    expect(pool.connect).toBe(patched)
    await pool.query(text, ['b'])
    expect(heard).toEqual(['connect', 'query', 'connect', 'query'])
    expect(await it.users()).toEqual(['anna', null])
  })

  test('may be of a subclass that changes what its promises give', async () => {
    class Renaming extends pg.Client {
      override async query(...args: unknown[]): Promise<never> {
        const result = (await (super.query as (...args: unknown[]) => unknown).apply(
          this,
          args,
        )) as pg.QueryResult
        result.rows = result.rows.map((row) => ({ renamed: row.note }))
        return result as never
      }
    }
    const own = new Renaming(it.database.url)
    await own.connect()
    auditrum(own, { maintain: false })
    const { rows } = (await as('anna', () =>
      own.query(`${text} returning note`, ['x']),
    )) as pg.QueryResult
    expect(rows).toEqual([{ renamed: 'x' }])
    await expect(
      as('anna', () => own.query('insert into nothing values (1)')),
    ).rejects.toMatchObject({
      code: '42P01',
    })
    expect(await it.users()).toEqual(['anna'])
    await own.end()
  })
})

describe('a pipeline', () => {
  const piped = async () => {
    const own = await it.database.client({ pipeline: true } as pg.ClientConfig)
    auditrum(own, { maintain: false })
    return own
  }

  test('knows what ROLLBACK TO and AND CHAIN do before they are answered', async () => {
    const own = await piped()
    await own.query('begin')
    await as('anna', () => own.query(insert('a')))
    await own.query('savepoint s')
    await expect(own.query('selec')).rejects.toThrow()
    const undone = own.query('rollback to s')
    await Promise.all([undone, as('ben', () => own.query(insert('b')))])
    const chained = own.query('commit and chain')
    await Promise.all([
      chained,
      as('cleo', () => own.query(insert('c'))),
      own.query(insert('nobody')),
    ])
    await own.query('commit')
    expect(await it.users()).toEqual(['anna', 'ben', 'cleo', null])
  })

  test('counts what has no command', async () => {
    const own = await piped()
    await new Promise<void>((resolve) => {
      own.query('-- ping')
      own.query('select 1', () => {
        const writes = [as('anna', () => own.query(insert('a'))), own.query(insert('nobody'))]
        Promise.all(writes).then(() => resolve())
      })
      own.query('begin')
    })
    await own.query('commit')
    expect(await it.users()).toEqual(['anna', null])
  })
})

describe('a context', () => {
  test('has its functions asked where the caller is, with all that is stored there', async () => {
    const cls = new AsyncLocalStorage<string>()
    const pool = it.database.pool({ max: 1 })
    auditrum(pool, { maintain: false })
    const users = ['a', 'b', 'c', 'd']
    await Promise.all(
      users.map((user) =>
        cls.run(user, () =>
          withContext({ user_id: () => cls.getStore() }, async () => {
            await pool.query(text, [user])
            const [one, other] = [pool.query(text, [user]), pool.query(text, [user])]
            await Promise.all([one, other])
          }),
        ),
      ),
    )
    const { events } = await it.audit.page()
    expect(events).toHaveLength(12)
    for (const { userId, new: row } of events) expect(userId).toBe(row?.note)
  })

  test('goes to two databases with the key of each', async () => {
    const keys = ['k'.repeat(32), 'l'.repeat(32)] as const
    const [one, other] = [
      await shop({}, { signing: { key: keys[0] } }),
      await shop({}, { signing: { key: keys[1] } }),
    ]
    await one.audit.signContexts(keys[0])
    await other.audit.signContexts(keys[1])
    await as('anna', async () => {
      await one.pool.query(text, ['x'])
      await other.pool.query(text, ['x'])
    })
    expect([await one.users(), await other.users()]).toEqual([['anna'], ['anna']])
  })

  test('whose values cannot be told breaks nothing', async () => {
    const bare = Object.create(null)
    const odd: object[] = [
      { change_reason: bare },
      { change_reason: Symbol('x') },
      {
        user_agent: () => {
          throw bare
        },
      },
      JSON.parse('{"__proto__": {"change_reason": "evil"}}'),
    ]
    for (const metadata of odd) {
      await withContext({ user_id: 'anna', ...metadata }, () =>
        withChangeReason('r', async () => {
          await Promise.all([client.query(text, ['x']), client.query(text, ['y'])])
        }),
      )
    }
    expect(await it.users()).toEqual(Array(8).fill('anna'))
    const [last] = (await it.audit.page({ limit: 1 })).events
    expect(last?.context?.metadata?.change_reason).toBe('r')
  })

  test('that onError fails to hear of breaks nothing', async () => {
    const pool = it.database.pool()
    auditrum(pool, {
      maintain: false,
      onError: () => {
        throw new Error('no')
      },
    })
    await withContext({ user_id: 'anna', big: 1n }, () => pool.query(text, ['x']))
    expect(await it.users()).toEqual(['anna'])
  })

  test('of a query that two blocks return is that of the last', async () => {
    const lazy = {
      // biome-ignore lint/suspicious/noThenProperty: as the builders of Knex and Drizzle
      then: (done: (value: unknown) => unknown, failed: (error: unknown) => unknown) =>
        it.pool.query(text, ['x']).then(done, failed),
    }
    await as('anna', () => lazy)
    await as('ben', () => as('cleo', () => lazy))
    expect(await it.users()).toEqual(['anna', 'cleo'])
  })
})

describe('in a transaction', () => {
  test('a read that writes, sent before the last write is answered, has no ended user', async () => {
    await it.database.query(`
      create function touch() returns integer language sql as $$ ${insert('hidden')} returning id $$;
      create view touching as select touch()`)
    await run('begin')
    await Promise.all([
      client.query('select 1'),
      as('anna', () => client.query(insert('a'))),
      client.query('select * from touching'),
    ])
    await run('commit')
    expect(await it.users()).toEqual(['anna', null])
  })

  test('deferred triggers have the user who commits, or else the last', async () => {
    await it.database.query(`
      create function note() returns trigger language plpgsql as $$ begin ${insert('deferred')}; return null; end $$;
      create constraint trigger late after insert on plain deferrable initially deferred
        for each row execute function note()`)
    await run('begin')
    await as('anna', () => client.query('insert into plain values (1)'))
    await as('ben', () => client.query(insert('b')))
    await as('anna', () => client.query('commit'))
    await run('begin')
    await as('anna', () => client.query('insert into plain values (1)'))
    await run('commit')
    expect(await it.users()).toEqual(['ben', 'anna', 'anna'])
  })

  test('a deallocated setting breaks neither a query nor a cursor', async () => {
    await it.database.query(
      `create function forget() returns void language plpgsql as $$ begin execute 'deallocate all'; end $$`,
    )
    for (const user of ['a', 'b']) await as(user, () => client.query(text, [user]))
    await client.query('select forget()')
    const cursor = as('c', () => client.query(new Cursor(`${text} returning id`, ['c'])))
    expect(await cursor.read(1)).toHaveLength(1)
    await cursor.close()
    const forgetting = as('d', () => client.query(text, ['d']))
    await Promise.all([forgetting, client.query('deallocate all')])
    await as('e', () => client.query(text, ['e']))
    expect(await it.users()).toEqual(['a', 'b', 'c', 'd', 'e'])
  })
})

test('what is sent again is sent before all that waits', async () => {
  await it.database.query(
    `create function forget() returns void language plpgsql as $$ begin execute 'deallocate all'; end $$`,
  )
  for (const user of ['a', 'b']) await as(user, () => client.query(text, [user]))
  await client.query('select forget()')
  const kept = as('anna', () => client.query(text, ['should stay']))
  await client.query('begin')
  await kept
  await client.query('rollback')
  expect(await it.users()).toEqual(['a', 'b', 'anna'])
})

test('a procedure that commits is found out once, and then runs once', async () => {
  await it.database.query(`
    create sequence runs;
    create procedure committing() language plpgsql as $$ begin perform nextval('runs'); commit; end $$`)
  for (let turn = 0; turn < 3; turn++) await as('anna', () => client.query('call committing()'))
  const { rows } = await it.database.query('select last_value::int as runs from runs')
  expect(rows[0]?.runs).toBe(version >= 18 ? 4 : 3)
})

test('a cursor calls back in the context of whoever reads it', async () => {
  const cursor = as('anna', () =>
    client.query(new Cursor('select n from generate_series(1, 3) as n')),
  )
  await new Promise<void>((resolve, reject) => {
    as('ben', () =>
      cursor.read(2, () => {
        it.pool.query(text, ['b']).then(() => resolve(), reject)
      }),
    )
  })
  await cursor.close()
  expect(await it.users()).toEqual(['ben'])
})

test('a query object that sends itself as a simple query is committed, and its user is gone', async () => {
  const bare = (statement: string) =>
    new Promise((resolve, reject) => {
      const submittable = {
        text: statement,
        submit: (connection: pg.Connection) => connection.query(statement),
        handleReadyForQuery: resolve,
        handleError: reject,
        ...Object.fromEntries(
          ['handleRowDescription', 'handleDataRow', 'handleCommandComplete'].map((name) => [
            name,
            () => {},
          ]),
        ),
      }
      client.query(submittable as never)
    })
  await as('anna', () => bare(insert('a')))
  await run('begin', 'rollback')
  await client.query(insert('nobody'))
  expect(await it.users()).toEqual(['anna', null])
  await expectClean(client)
})

test('data that looks like the end of a COPY is data', async () => {
  await it.database.query(`create table bytes (b bytea); select auditrum.track('bytes')`)
  const stream = as('anna', () => client.query(copyFrom('copy bytes from stdin binary')))
  const header = Buffer.from('5047434f50590aff0d0a000000000000000000', 'hex')
  const field = Buffer.from('000100000005', 'hex')
  const value = Buffer.from([0x63, 0, 0, 0, 4])
  await pipeline(Readable.from([header, field, value, Buffer.from('ffff', 'hex')]), stream)
  expect(await it.users()).toEqual(['anna'])
  await expectClean(client)
})

test('standard_conforming_strings that is off by default breaks no text', async () => {
  await it.database.query(
    `alter database "${it.database.name}" set standard_conforming_strings = off`,
  )
  const pool = it.database.pool({ max: 1 })
  auditrum(pool, { maintain: false })
  const odd = String.raw`insert into orders (note) values ('it\'s; set a; insert b'); insert into orders (note) values ('x')`
  await as('first', () => pool.query(odd))
  await as('anna', () => pool.query(text, ['x']))
  await as('ben', () => pool.query(odd))
  expect((await it.users()).slice(-3)).toEqual(['anna', 'ben', 'ben'])
})

test('a statement whose values were forgotten is refused as ever', async () => {
  const plain = await it.database.client()
  const expected = await plain.query(text).catch(({ code, position }) => ({ code, position }))
  const error = await as('anna', () => client.query(text)).catch((reason) => reason)
  expect({ code: error.code, position: error.position }).toEqual(expected)
})

import { spawnSync } from 'node:child_process'
import { createHmac } from 'node:crypto'
import type pg from 'pg'
import { beforeAll, describe, expect, test } from 'vitest'
import {
  Auditrum,
  amendContext,
  contextEnvironment,
  withChangeReason,
  withContext,
} from '../src/index.js'
import { expectClean, type Shop, shop, version } from './support.js'

let it: Shop
let client: pg.PoolClient
beforeAll(async () => {
  it = await shop({ max: 3 })
  client = await it.pool.connect()
  await it.database.query(`
    create function touch() returns int language sql as $$ insert into orders default values returning id $$;
    create procedure once() language sql as $$ insert into orders default values $$;
    create procedure twice() language plpgsql as $$ begin
      insert into orders default values; commit; insert into orders default values;
    end $$;
    create materialized view counted as select count(*) from orders;
  `)
})

const as = <Result>(user: string, act: () => Result) => withContext({ user_id: user }, act)

describe('in autocommit', () => {
  test.each([
    ['a statement', `insert into orders (note) values ('x')`, 1],
    ['one with a semicolon and a comment', `insert into orders default values; -- done`, 1],
    ['one behind a comment', `/* a; b */ insert into orders default values`, 1],
    ['WITH', `with new as (insert into orders default values returning id) select * from new`, 1],
    ['EXPLAIN ANALYZE', 'explain analyze insert into orders default values', 1],
    ['a SELECT that calls a function', 'select touch()', 1],
    [
      'several commands',
      'insert into orders default values; select 1; insert into orders default values',
      2,
    ],
    [
      'several with a transaction of their own',
      'begin; insert into orders default values; commit; insert into orders default values',
      2,
    ],
    [
      'several with an isolation level',
      'begin isolation level serializable; insert into orders default values; commit',
      1,
    ],
    ['several with SET', `set local work_mem = '1MB'; insert into orders default values`, 1],
    ['CALL', 'call once()', 1],
    ['DO', 'do $$ begin insert into orders default values; end $$', 1],
    ['EXECUTE', 'prepare p as insert into orders default values; execute p; deallocate p', 1],
    ['DDL with an event', `create table copy as select touch()`, 1],
  ])('%s carries the context', async (_, text, count) => {
    await as('anna', () => client.query(text))
    expect(await it.users()).toEqual(Array(count).fill('anna'))
    await expectClean(client)
    await client.query(`insert into orders default values`)
    expect(await it.users()).toEqual([null])
  })

  test('values carry it, of every kind', async () => {
    await as('anna', () => client.query('insert into orders (note) values ($1)', ['x']))
    await as('ben', () =>
      client.query({ text: 'insert into orders (note) values ($1)', values: ['x'] }),
    )
    await as('cleo', () =>
      client.query({ name: 'add', text: 'insert into orders (note) values ($1)' }, ['x']),
    )
    await as('dora', () =>
      client.query({ name: 'add', text: 'insert into orders (note) values ($1)' }, ['x']),
    )
    expect(await it.users()).toEqual(['anna', 'ben', 'cleo', 'dora'])
  })

  test('a procedure that commits is not made to fail', async () => {
    await as('anna', () => client.query('call twice()'))
    await as('anna', () => client.query(`do $$ begin call twice(); end $$`))
    for (const user of await it.users()) expect([null, 'anna']).toContain(user)
    expect((await client.query('select count(*)::int from orders')).rows).toBeTruthy()
    await expectClean(client)
  })

  test.each([
    ['syntax_error', '42601', `execute 'selec'`],
    ['active_sql_transaction', '25001', `execute 'vacuum orders'`],
    ['invalid_transaction_termination', '2D000', `raise sqlstate '2D000'`],
  ])(
    'a procedure that committed and then fails with %s does not run twice',
    async (_, code, fails) => {
      const text = `do $$ begin insert into plain values (1); commit; ${fails}; end $$`
      await it.database.query('truncate plain')
      await expect(as('anna', () => client.query(text))).rejects.toMatchObject({ code })
      const { rows } = await it.database.query('select count(*)::int as count from plain')
      expect(rows).toEqual([{ count: 1 }])
    },
  )

  test.each([
    'vacuum orders',
    'create index concurrently on orders (note)',
    'reindex table concurrently orders',
    'refresh materialized view counted',
    'analyze orders',
    'listen channel',
    'discard all',
    'set work_mem = default',
    'show work_mem',
    'checkpoint',
  ])('%s works inside a context', async (text) => {
    await as('anna', () => client.query(text))
    expect(await it.users()).toEqual([])
    await expectClean(client)
  })

  test('what is refused inside a transaction and looks like nothing special is sent alone', async () => {
    const name = `extra_${version}_${process.pid}`
    await as('anna', () => client.query(`create database ${name}`))
    await as('anna', () => client.query(`alter database ${name} set tablespace pg_default`))
    await as('anna', () => client.query(`drop database ${name}`))
    await expectClean(client)
  })

  test('a query of nothing, a comment, and a wrong one are as they were', async () => {
    const plain = await it.database.client()
    for (const text of [
      '',
      ' -- nothing',
      ';',
      'selec 1',
      'select 1; selec 2',
      `insert into orders (nothing) values (1)`,
      'insert into orders default values; select nothing',
    ]) {
      const ask = (asked: pg.ClientBase) =>
        asked.query(text).then(
          (result) => ({ rows: result.rows, command: result.command }),
          ({ code, message, position }) => ({ code, message, position }),
        )
      expect(await as('anna', () => ask(client))).toEqual(await ask(plain))
    }
    await it.users()
  })
})

describe('in a transaction', () => {
  const begin = () => client.query('begin')
  const insert = () => client.query('insert into orders default values')

  test('the context goes with the first write, whoever began', async () => {
    await begin()
    await as('anna', insert)
    await as('anna', insert)
    await client.query('commit')
    expect(await it.users()).toEqual(['anna', 'anna'])
    await expectClean(client)
  })

  test('a context that changes, ends, or is amended is followed', async () => {
    await begin()
    await withContext({ user_id: 'anna' }, async () => {
      await insert()
      await as('ben', insert)
      await insert()
      amendContext({ user_id: 'cleo' })
      await insert()
    })
    await insert()
    await client.query('commit')
    expect(await it.users()).toEqual(['anna', 'ben', 'anna', 'cleo', null])
  })

  test('events of one block share a context; a changed one is a new row of the same root', async () => {
    await it.users()
    await begin()
    await withContext({ user_id: 'anna' }, async () => {
      await insert()
      await insert()
      await withChangeReason('why', insert)
    })
    await client.query('commit')
    const { rows } = await it.database.query(
      `select context_uuid, root_uuid, change_reason, transaction_id from auditrum.auditlog order by id desc limit 3`,
    )
    expect(new Set(rows.map(({ context_uuid }) => context_uuid)).size).toBe(2)
    expect(new Set(rows.map(({ root_uuid }) => root_uuid)).size).toBe(1)
    expect(new Set(rows.map(({ transaction_id }) => transaction_id)).size).toBe(1)
    expect(rows[0]?.change_reason).toBe('why')
    await it.users()
  })

  test('ROLLBACK TO takes the setting back, and it is given again', async () => {
    await begin()
    await client.query('savepoint a')
    await as('anna', insert)
    await client.query('rollback to savepoint a')
    await as('anna', insert)
    await client.query('savepoint b')
    await as('ben', insert)
    await client.query('rollback to b')
    await insert()
    await client.query('commit')
    expect(await it.users()).toEqual(['anna', null])
  })

  test('an ended block is not carried on behind a savepoint either', async () => {
    await begin()
    await as('anna', insert)
    await client.query('savepoint a')
    await insert()
    await client.query('release a')
    await insert()
    await client.query('commit and chain')
    await insert()
    await client.query('commit')
    await insert()
    expect(await it.users()).toEqual(['anna', null, null, null, null])
  })

  test('a BEGIN among several commands is a transaction, too', async () => {
    await as('anna', () => client.query('begin; insert into orders default values'))
    await insert()
    await as('ben', () =>
      client.query('insert into orders default values; commit; insert into orders default values'),
    )
    expect(await it.users()).toEqual(['anna', null, 'ben', 'ben'])
    await expectClean(client)
  })

  test('a read that writes where no text shows it has not the context of an ended block', async () => {
    await it.database.query('create view touching as select touch() as id')
    const read = () => client.query('select * from touching')
    await begin()
    await as('anna', insert)
    await as('anna', read)
    await read()
    await as('ben', read)
    await client.query('commit')
    await as('anna', read)
    expect(await it.users()).toEqual(['anna', 'anna', null, 'ben', null])
  })

  test('an error inside is the error, and a rollback cleans up', async () => {
    await begin()
    await as('anna', insert)
    await expect(
      as('anna', () => client.query('insert into orders (id) values (null)')),
    ).rejects.toMatchObject({ code: '23502' })
    await expect(as('ben', insert)).rejects.toMatchObject({ code: '25P02' })
    await client.query('rollback')
    await as('cleo', insert)
    expect(await it.users()).toEqual(['cleo'])
    await expectClean(client)
  })

  test('SET TRANSACTION, LOCK and a snapshot come first, as the application wants', async () => {
    await as('anna', async () => {
      await begin()
      await client.query('set transaction isolation level serializable')
      await client.query('lock table orders in share row exclusive mode')
      await insert()
      await client.query('commit')
    })
    expect(await it.users()).toEqual(['anna'])
  })

  test('a function is asked at the first write of each transaction until it answers', async () => {
    let user: string | undefined
    let calls = 0
    await withContext(
      {
        user_id: () => {
          calls++
          return user
        },
      },
      async () => {
        await begin()
        await insert()
        await insert()
        await client.query('commit')
        expect(calls).toBe(1)
        user = 'anna'
        await begin()
        await insert()
        await client.query('commit')
        user = 'ben'
        await insert()
      },
    )
    expect(calls).toBe(2)
    expect(await it.users()).toEqual([null, null, 'anna', 'anna'])
  })

  test('a prepared transaction keeps its context', async () => {
    await as('anna', async () => {
      await begin()
      await insert()
      await client.query(`prepare transaction 'p'`)
    })
    await as('ben', () => client.query(`commit prepared 'p'`))
    expect(await it.users()).toEqual(['anna'])
    await expectClean(client)
  })
})

test('requireContext is satisfied by a context, and refuses without', async () => {
  await it.database.query(`
    create table guarded (id int);
    select auditrum.track('guarded', '{"requireContext": "actor"}')`)
  const insert = () => it.pool.query('insert into guarded values (1)')
  await as('anna', insert)
  await expect(insert()).rejects.toMatchObject({ code: 'AU001' })
  await expect(withContext({ source: 'web' }, insert)).rejects.toMatchObject({ code: 'AU001' })
  expect(await it.users()).toEqual(['anna'])
})

test('audit.on(client) reads what its transaction has written', async () => {
  const writer = await it.pool.connect()
  await writer.query('begin')
  await as('anna', () => writer.query(`insert into orders (id, note) values (-7, 'x')`))
  const inside = it.audit.on(writer)
  expect((await inside.page({ table: 'orders', id: -7 })).events).toMatchObject([
    { userId: 'anna' },
  ])
  expect((await it.audit.page({ table: 'orders', id: -7 })).events).toEqual([])
  await writer.query('rollback')
  writer.release()
})

test('a reader is asked, and only it', async () => {
  const reader = await it.database.client()
  const asked: string[] = []
  const audit = new Auditrum(it.pool, {
    reader: {
      query(text, values) {
        asked.push(text)
        return reader.query(text, values)
      },
    },
  })
  await audit.page({ limit: 1 })
  expect(asked).toHaveLength(1)
})

test('what cannot be stored is heard of, and the write goes on', async () => {
  const errors: string[] = []
  const other = await shop({}, { onError: ({ message }) => errors.push(message) })
  await withContext({ user_id: 'anna', big: 1n, note: 'a\0b\ud800' }, () =>
    other.pool.query('insert into orders default values'),
  )
  expect(errors).toEqual([expect.stringContaining('big: ')])
  const { rows } = await other.database.query(
    'select user_id, metadata, context_error from auditrum.auditlog',
  )
  expect(rows).toEqual([
    {
      user_id: 'anna',
      metadata: { user_id: 'anna', note: 'a\ufffdb\ufffd' },
      context_error: expect.stringContaining('big: '),
    },
  ])
})

test('carry: all also takes reads', async () => {
  const all = await shop({}, { carry: 'all' })
  const { rows } = await withContext({ user_id: 7 }, () =>
    all.pool.query(`select current_setting('auditrum.context', true) as context`),
  )
  expect(JSON.parse(rows[0].context)).toMatchObject({ metadata: { user_id: 7 } })
  await expect(shop({}, { carry: 'none' as never })).rejects.toThrow("'writes' or 'all'")
})

test('PGOPTIONS carry a context into another program', async () => {
  const script = `
    const pg = require('pg')
    const client = new pg.Client({ connectionString: process.argv[1] })
    client.connect()
      .then(() => client.query("insert into orders (note) values ('x')"))
      .then(() => client.end())`
  await it.users()
  const env = contextEnvironment({ user_id: 'anna', change_reason: `it's a "fix"\t\\ of 2 rows` })
  const { status, stderr } = spawnSync(process.execPath, ['-e', script, it.database.url], {
    env,
    encoding: 'utf8',
    cwd: import.meta.dirname,
  })
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  const { rows } = await it.database.query(
    'select user_id, change_reason, context_error from auditrum.auditlog order by id desc limit 1',
  )
  expect(rows).toEqual([
    { user_id: 'anna', change_reason: `it's a "fix"\t\\ of 2 rows`, context_error: null },
  ])
  await it.users()
})

describe('signed contexts', () => {
  const key = 'k'.repeat(32)
  const insert = 'insert into orders (note) values ($1)'
  const logged = async (own: Shop) => {
    const { rows } = await own.database.query(
      'select user_id, context_error from auditrum.auditlog order by id desc limit 1',
    )
    return rows[0]
  }

  test('count; others are said in context_error and name nobody', async () => {
    const own = await shop({}, { signing: { key } })
    await as('anna', () => own.pool.query(insert, ['before it is asked for']))
    expect(await logged(own)).toEqual({ user_id: 'anna', context_error: null })
    await own.audit.signContexts(key)
    await as('anna', () => own.pool.query(insert, ['signed']))
    expect(await logged(own)).toEqual({ user_id: 'anna', context_error: null })

    const payload = (expires: number, user: string, secret = key) => {
      const json = JSON.stringify({ v: 1, metadata: { user_id: user } })
      const mac = createHmac('sha256', secret).update(`${expires} ${json}`).digest('hex')
      return `s1 ${expires} ${mac} ${json}`
    }
    const later = Math.ceil(Date.now() / 1000) + 60
    const write = async (value: string) => {
      await own.database.query('begin')
      await own.database.query(`select set_config('auditrum.context', $1, true)`, [value])
      await own.database.query(insert, ['by hand'])
      await own.database.query('commit')
      return logged(own)
    }
    expect(await write(payload(later, 'anna'))).toEqual({ user_id: 'anna', context_error: null })
    for (const [value, problem] of [
      ['{"user_id": "admin"}', 'not signed'],
      [payload(later, 'admin', 'x'.repeat(32)), 'wrong'],
      [payload(later, 'anna').replace('anna', 'admin'), 'wrong'],
      [payload(later, 'anna').replace(String(later), String(later + 1)), 'wrong'],
      [payload(1_700_000_000, 'admin'), 'expired'],
    ] as const) {
      expect(await write(value)).toEqual({
        user_id: null,
        context_error: expect.stringContaining(problem),
      })
    }
    await own.database.query(
      `create table guarded (id int); select auditrum.track('guarded', '{"requireContext": true}')`,
    )
    const guard = 'insert into guarded values (1)'
    await as('anna', () => own.pool.query(guard))
    own.audit.close()
    await expect(
      own.pool.query(`select set_config('auditrum.context', '{"user_id": 1}', true); ${guard}`),
    ).rejects.toMatchObject({ code: 'AU001' })
  })

  test('have keys that can be changed while both are in use, and that nobody else reads', async () => {
    const own = await shop({}, { signing: { key } })
    await expect(own.audit.signContexts('short')).rejects.toMatchObject({ code: 'AUDITRUM_USAGE' })
    await own.audit.signContexts('n'.repeat(100), 'new')
    await as('anna', () => own.pool.query(insert, ['x']))
    expect(await logged(own)).toMatchObject({ user_id: null })
    await own.audit.signContexts(key)
    await as('anna', () => own.pool.query(insert, ['x']))
    expect(await logged(own)).toMatchObject({ user_id: 'anna' })
    const role = await own.database.role()
    await own.database.query(`grant usage on schema auditrum to ${role.name}`)
    const stranger = await role.client()
    await expect(stranger.query('select * from auditrum.audit_key')).rejects.toMatchObject({
      code: '42501',
    })
    await own.audit.signContexts(null)
    await own.audit.signContexts(null, 'new')
    await own.database.query(insert, ['unsigned is fine again'])
    expect(await logged(own)).toEqual({ user_id: null, context_error: null })
  })
})

import { AsyncResource } from 'node:async_hooks'
import knexOf from 'knex'
import type pg from 'pg'
import { beforeAll, describe, expect, test } from 'vitest'
import { auditrum, track, withChangeReason, withContext } from '../src/index.js'
import { as, type Shop, shop } from './support.js'

let it: Shop
beforeAll(async () => {
  it = await shop()
})

describe('a transaction', () => {
  test('carries what holds when it writes: contexts that change inside, and none after their end', async () => {
    const trx = await it.knex.transaction()
    await trx('orders').insert({ note: 'outside' })
    await as('anna', async () => {
      await trx('orders').insert({ note: 'a' })
      await withChangeReason('a discount', async () => trx('orders').insert({ note: 'b' }))
    })
    await trx('orders').insert({ note: 'outside again' })
    await trx.commit()
    const events = await it.audit.events().forTable('orders').orderBy('auditlog.id')
    expect(events.map(({ user_id, change_reason }) => [user_id, change_reason])).toEqual([
      [null, null],
      ['anna', null],
      ['anna', 'a discount'],
      [null, null],
    ])
    expect(new Set(events.map(({ transaction_id }) => transaction_id)).size).toBe(1)
    await it.users()
  })

  test('that is rolled back leaves nothing, and its connection is as it was', async () => {
    await expect(
      as('anna', () =>
        it.knex.transaction(async (trx) => {
          await trx('orders').insert({ note: 'x' })
          throw new Error('no')
        }),
      ),
    ).rejects.toThrow('no')
    await it.knex('orders').insert({ note: 'y' })
    expect(await it.users()).toEqual([null])
  })

  test('can be read by audit.on(trx) before it is committed', async () => {
    const trx = await it.knex.transaction()
    const [row] = await as('anna', () => trx('orders').insert({ note: 'x' }).returning('id'))
    const inside = it.audit.on(trx)
    expect((await inside.page({ table: 'orders', id: row.id })).events).toHaveLength(1)
    expect(await inside.events().forTable('orders').forId(row.id)).toHaveLength(1)
    expect(await it.audit.events().forTable('orders').forId(row.id)).toHaveLength(0)
    expect((await inside.blame('orders', row.id))[0]?.userId).toBe('anna')
    await trx.rollback()
    await it.users()
  })
})

describe('the audit of a Knex', () => {
  test('is one, and takes connections that are open or in use', async () => {
    const knex = it.connect({ pool: { min: 0, max: 2 } })
    const trx = await knex.transaction()
    await knex.select(1)
    const audit = auditrum(knex, { maintain: false })
    expect(auditrum(knex)).toBe(audit)
    expect(() => auditrum(knex, { carry: 'all' })).toThrow('This Knex has its audit already')
    await as('anna', () => trx('orders').insert({ note: 'x' }))
    await as('ben', () => knex('orders').insert({ note: 'x' }))
    await trx.commit()
    expect(new Set(await it.users())).toEqual(new Set(['anna', 'ben']))

    audit.close()
    expect(Object.hasOwn(knex.client, 'acquireConnection')).toBe(false)
    await as('cleo', () => knex('orders').insert({ note: 'x' }))
    expect(await it.users()).toEqual([null])
    expect(auditrum(knex, { maintain: false })).not.toBe(audit)
    await as('dora', () => knex('orders').insert({ note: 'x' }))
    expect(await it.users()).toEqual(['dora'])
  })

  test('goes on when the pool is destroyed and initialised anew', async () => {
    const knex = it.connect()
    auditrum(knex, { maintain: false })
    await as('anna', () => knex('orders').insert({ note: 'x' }))
    await knex.destroy()
    knex.initialize()
    await as('ben', () => knex('orders').insert({ note: 'x' }))
    expect(await it.users()).toEqual(['anna', 'ben'])
  })

  test('is one of several: each database has its own log, and all share the context', async () => {
    const other = await shop()
    await as('anna', async () => {
      await it.knex('orders').insert({ note: 'x' })
      await other.knex('orders').insert({ note: 'y' })
    })
    expect([await it.users(), await other.users()]).toEqual([['anna'], ['anna']])
    const [first] = await it.audit.events().orderBy('auditlog.id', 'desc').limit(1)
    const [second] = await other.audit.events().orderBy('auditlog.id', 'desc').limit(1)
    expect(first?.root_uuid).toBe(second?.root_uuid)
  })

  test('works on a pool that is not its own', async () => {
    const pool = it.database.pool({ max: 2 })
    const knex = it.connect({ connectionPool: pool })
    const audit = auditrum(knex, { maintain: false })
    await as('anna', () => knex('orders').insert({ note: 'x' }))
    await as('ben', () => knex.transaction((trx) => trx('orders').insert({ note: 'x' })))
    expect((await audit.on(knex).page({ limit: 1 })).events).toHaveLength(1)
    // whoever else writes through that pool is not taken for one of Knex's callers
    const text = 'insert into orders (note) values ($1)'
    const users = Array.from({ length: 20 }, (_, n) => `user ${n}`)
    await Promise.all(users.map((user) => as(user, () => pool.query(text, [user]))))
    await knex.destroy()
    const seen = await it.users()
    expect(seen.slice(0, 2)).toEqual(['anna', 'ben'])
    expect(new Set(seen.slice(2))).toEqual(new Set(users))
  })

  test('opens connections in no context, so that what they tell later is of none', async () => {
    const knex = it.connect({ pool: { min: 0, max: 1 } })
    auditrum(knex, { maintain: false })
    const client: pg.Client = await as('opener', async () => knex.client.acquireConnection())
    const heard = new Promise((resolve) => {
      client.once('notification', () => resolve(knex('orders').insert({ note: 'x' }).then()))
    })
    await client.query('listen news')
    await knex.client.releaseConnection(client)
    await it.database.query('notify news')
    await heard
    expect(await it.users()).toEqual([null])
  })

  test('survives a server that ends its connections', async () => {
    const knex = it.connect({ pool: { min: 1, max: 1 } })
    auditrum(knex, { maintain: false })
    const { rows } = await knex.raw('select pg_backend_pid() as pid')
    await it.database.query('select pg_terminate_backend($1)', [rows[0].pid])
    await expect
      .poll(() =>
        as('anna', () => knex('orders').insert({ note: 'x' })).then(
          () => 'written',
          () => 'lost',
        ),
      )
      .toBe('written')
    expect(await it.users()).toEqual(['anna'])
  })

  test('is refused where nothing can carry a context', () => {
    class Elsewhere extends knexOf.Client {
      override dialect = 'sqlite3'
    }
    const knex = knexOf({ client: Elsewhere })
    expect(() => auditrum(knex)).toThrow('has the client sqlite3')
    expect(() => auditrum({} as never)).toThrow('not Knex')
    expect(() => auditrum(null as never)).toThrow('auditrum was given null, not Knex')
    expect(() => auditrum(it.connect(), { carrry: 'all' } as never)).toThrow(
      'Did you mean "carry"?',
    )
  })

  test('is that of one query alone, wherever else the same query is awaited', async () => {
    const touch = it.knex('orders').insert({ note: 'touch' })
    await as('anna', async () => undefined)
    await withContext({ user_id: 'anna' }, () => touch)
    await as('ben', () => touch)
    await touch
    const both = [
      withContext({ user_id: 'c' }, () => touch),
      withContext({ user_id: 'd' }, () => touch),
    ]
    await Promise.all(both)
    const chained = withContext({ user_id: 'e' }, () => it.knex('orders').insert({ note: 'x' }))
    expect(await chained.returning('note')).toEqual([{ note: 'x' }])
    const users = await it.users()
    expect(users.slice(0, 3)).toEqual(['anna', 'ben', null])
    expect(new Set(users.slice(3))).toEqual(new Set(['c', 'd', 'e']))
  })

  test('is closed for those that wait, and leaves what others have put on top', async () => {
    const knex = it.connect({ pool: { min: 0, max: 1 } })
    const audit = auditrum(knex, { maintain: false })
    let counted = 0
    const { acquireConnection } = knex.client
    const counting = function (this: unknown, ...args: unknown[]) {
      counted++
      return acquireConnection.apply(this, args)
    }
    knex.client.acquireConnection = counting
    const trx = await knex.transaction()
    const waiting = as('waiting', () => knex('orders').insert({ note: 'x' }))
    await new Promise((resolve) => setImmediate(resolve))
    audit.close()
    await trx.rollback()
    await waiting
    await as('after', () => knex('orders').insert({ note: 'y' }))
    expect(knex.client.acquireConnection).toBe(counting)
    expect(counted).toBe(3)
    expect(await it.users()).toEqual([null, null])
  })

  test('includes what withUserParams made before', async () => {
    const knex = it.connect()
    const tenant = knex.withUserParams({ tenant: 1 })
    auditrum(knex, { maintain: false })
    await as('anna', () => tenant('orders').insert({ note: 'x' }))
    expect(await it.users()).toEqual(['anna'])
  })

  test('waits for a connection in the context of who asks for it', async () => {
    const knex = it.connect({ pool: { min: 0, max: 1 } })
    auditrum(knex, { maintain: false })
    const holder = await as('holder', () => knex.transaction())
    const waiting = ['anna', 'ben', 'cleo'].map((user) =>
      as(user, () => knex('orders').insert({ note: user })),
    )
    await as('stranger', () => holder.commit())
    await Promise.all(waiting)
    expect(await it.users()).toEqual(['anna', 'ben', 'cleo'])
  })
})

describe('audit.events()', () => {
  let log: Shop
  beforeAll(async () => {
    log = await shop()
    await as('anna', () => log.knex('orders').insert({ id: 1, note: 'a' }))
    await as('ben', () => log.knex('orders').update({ note: 'b' }))
    await as('ben', () => log.knex('lines').insert({ order_id: 1, line: 2, note: 'l' }))
    await as('7', () => log.knex('orders').insert({ id: 2, note: 'c' }))
    await log.knex.raw('create table people (id text, name text)')
    await log.knex('people').insert([{ id: 'anna', name: 'Anna A.' }])
  })
  const ids = (rows: readonly { object_id: string | null }[]) => rows.map((row) => row.object_id)

  test('filters by table, row, user and time', async () => {
    const { audit } = log
    expect(ids(await audit.events().orderBy('auditlog.id'))).toEqual(['1', '1', '[1, 2]', '2'])
    expect(ids(await audit.events().forTable('lines'))).toEqual(['[1, 2]'])
    expect(ids(await audit.events().forTable('public.orders').forId(1).byUser('ben'))).toEqual([
      '1',
    ])
    expect(ids(await audit.events().byUser(7))).toEqual(['2'])
    for (const key of [[1, 2], { line: 2, order_id: 1 }, '[1, 2]']) {
      expect(ids(await audit.events().forTable('lines').forId(key))).toEqual(['[1, 2]'])
    }
    for (const key of [2, '2', 2n, [2], { id: 2 }]) {
      expect(ids(await audit.events().forTable('orders').forId(key))).toEqual(['2'])
    }
    const future = new Date(Date.now() + 60_000)
    expect(await audit.events().since(future)).toEqual([])
    expect(await audit.events().since('2026-01-01')).toHaveLength(4)
  })

  test('is a query as any other: joined, counted, paged, cloned, in a subquery', async () => {
    const { audit, knex } = log
    const joined = await audit
      .events()
      .forTable('orders')
      .leftJoin('people', 'people.id', 'auditlog.user_id')
      .orderBy('auditlog.id')
      .select('auditlog.operation', 'people.name')
    expect(joined).toEqual([
      { operation: 'insert', name: 'Anna A.' },
      { operation: 'update', name: null },
      { operation: 'insert', name: null },
    ])
    expect(await audit.events().forTable('orders').count('* as n').first()).toEqual({ n: '3' })
    const all = audit.events().forTable('orders')
    expect(await all.clone().forId(2)).toHaveLength(1)
    expect(await all.clone().orderBy('auditlog.id').limit(1).offset(1)).toMatchObject([
      { user_id: 'ben' },
    ])
    expect(await all).toHaveLength(3)
    const grouped = await knex
      .from(audit.events().byUser('ben').as('recent'))
      .groupBy('table_name')
      .select('table_name')
      .count('* as n')
      .orderBy('table_name')
    expect(grouped).toEqual([
      { table_name: 'lines', n: '1' },
      { table_name: 'orders', n: '1' },
    ])
  })

  test('refuses what would answer another question', async () => {
    const { audit } = log
    expect(() => audit.events().forId(1)).toThrow('Call forTable() before')
    expect(() =>
      audit
        .events()
        .forTable('orders')
        .forId(undefined as never),
    ).toThrow("Give the row's key")
    expect(() => audit.events().byUser(undefined as never)).toThrow('names no user')
    expect(() => audit.events().since('yesterday')).toThrow('Give a Date, or ISO 8601')
    await expect(audit.events().forTable('ordrs')).rejects.toThrow('The log knows no table')
  })

  test('finds the log in another schema, and the context of asynchronous resources', async () => {
    const { database, connect } = log
    await database.query('create table notes (id int primary key)')
    const knex = connect()
    const audit = auditrum(knex, {
      schema: 'x as y',
      tables: [track('notes')],
      maintain: false,
    })
    await audit.sync()
    const bound = await as('anna', async () =>
      AsyncResource.bind(() => knex('notes').insert({ id: 1 }).then()),
    )
    await bound()
    expect(await audit.events().forTable('notes').forId(1)).toMatchObject([{ user_id: 'anna' }])
    await audit.uninstall({ keepLog: false })
  })
})

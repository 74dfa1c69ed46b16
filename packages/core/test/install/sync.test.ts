import { setTimeout as pause } from 'node:timers/promises'
import { testDatabase } from '@auditrum/testkit/vitest'
import { beforeAll, describe, expect, test } from 'vitest'
import { Auditrum, SchemaError, track, trackAll, waive } from '../../src/index.js'

describe('sync', () => {
  test('makes the database match, and then finds nothing to do', async () => {
    const database = await testDatabase()
    await database.query('create table orders (id integer primary key, status text)')
    const audit = new Auditrum(database, { tables: [track('orders')] })

    const changes = await audit.plan()
    expect(changes.map(({ action, table }) => [action, table])).toEqual([
      ['install', null],
      ['install', 'public.orders'],
    ])
    expect(await audit.sync({ dryRun: true })).toMatchObject({ installed: ['public.orders'] })
    expect(
      (await database.query(`select to_regnamespace('auditrum') as log`)).rows[0]?.log,
    ).toBeNull()

    expect(await audit.sync()).toMatchObject({ installed: ['public.orders'], unchanged: [] })
    expect(await audit.sync()).toMatchObject({ installed: [], unchanged: ['public.orders'] })
    expect((await audit.plan()).every(({ action, sql }) => action === 'none' && sql === '')).toBe(
      true,
    )

    await database.query(`insert into orders values (1, 'new')`)
    const { events } = await audit.page({ table: 'orders' })
    expect(events).toMatchObject([{ operation: 'insert', objectId: '1' }])
  })

  test('finds a table by the search_path of the connection', async () => {
    const database = await testDatabase()
    await database.query(`create schema app; create table app.orders (id integer primary key)`)
    const client = await database.client({ options: '-c search_path=app' })
    const audit = new Auditrum(client, { tables: [track('orders')] })
    expect(await audit.sync()).toMatchObject({ installed: ['app.orders'] })
  })

  test('prune removes only what the same app declared', async () => {
    const database = await testDatabase()
    await database.query(
      'create table a (id integer primary key); create table b (id integer primary key)',
    )
    const shop = new Auditrum(database, { app: 'shop', tables: [track('a')] })
    await shop.sync()
    await new Auditrum(database, { app: 'billing', tables: [track('b')] }).sync()

    await expect(
      new Auditrum(database, { app: 'billing', tables: [track('a')] }).sync(),
    ).rejects.toThrow(/already tracked by the app "shop"/)
    const empty = new Auditrum(database, { app: 'shop' })
    expect(await empty.sync()).toMatchObject({ uninstalled: [] })
    expect(await empty.sync({ prune: true })).toMatchObject({ uninstalled: ['public.a'] })
    await database.query('insert into a values (1); insert into b values (1)')
    const { events } = await empty.page()
    expect(events.map(({ table }) => table)).toEqual(['b'])
  })

  test('trackAll declares every table, but those excepted, waived or declared otherwise', async () => {
    const database = await testDatabase()
    await database.query(`
      create table a (id integer primary key, secret text);
      create table b (id integer primary key);
      create table migrations (id integer primary key);
      create table cache (id integer primary key);
      create table days (day date primary key) partition by range (day);
      create table days_2026 partition of days for values from ('2026-01-01') to ('2027-01-01');
    `)
    const audit = new Auditrum(database, {
      tables: [
        trackAll({ except: ['migrations'] }),
        waive('cache', 'holds nothing of value'),
        track('a', { exclude: ['secret'] }),
      ],
    })
    expect(await audit.check()).toEqual(['public.a', 'public.b', 'public.days'])
    const { installed } = await audit.sync()
    expect([...installed].sort()).toEqual(['public.a', 'public.b', 'public.days'])
    expect(await audit.check()).toEqual([])
    await database.query('create table later (id integer primary key)')
    expect(await audit.check()).toEqual(['public.later'])
    await database.query(`insert into a values (1, 'hidden')`)
    expect((await audit.page({ table: 'a' })).events[0]?.new).toEqual({ id: 1 })
  })

  test('the image of the audit is that of tables that declare none', async () => {
    const database = await testDatabase()
    await database.query(
      'create table a (id integer primary key, x integer, y integer); create table b (like a including all)',
    )
    const audit = new Auditrum(database, {
      image: 'changed',
      tables: [track('a'), track('b', { image: 'full' })],
    })
    await audit.sync()
    await database.query(
      'insert into a values (1, 1, 1); insert into b values (1, 1, 1); update a set x = 2; update b set x = 2',
    )
    const read = async (table: string) =>
      (await audit.page({ table, operation: 'update' })).events[0]
    expect(await read('a')).toMatchObject({ new: { id: 1, x: 2 }, diff: { x: { old: 1, new: 2 } } })
    expect((await read('a'))?.new).not.toHaveProperty('y')
    expect((await read('b'))?.new).toEqual({ id: 1, x: 2, y: 1 })
  })

  test('twenty processes that start at once all succeed', async () => {
    const database = await testDatabase()
    await database.query(
      'create table a (id integer primary key); create table b (id integer primary key)',
    )
    const results = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const client = await database.client()
        return new Auditrum(client, { tables: [track('a'), track('b')] }).sync()
      }),
    )
    expect(results).toHaveLength(20)
    const audit = new Auditrum(database, { tables: [track('a'), track('b')] })
    expect(await audit.sync()).toMatchObject({ unchanged: ['public.a', 'public.b'] })
    await database.query('insert into a values (1)')
    expect((await audit.page()).events).toHaveLength(1)
  })

  test('an open transaction on one table delays no write on the others beyond lockTimeout', async () => {
    const database = await testDatabase()
    const names = Array.from({ length: 50 }, (_, number) => `t${String(number).padStart(2, '0')}`)
    await database.query(
      names.map((name) => `create table ${name} (id integer primary key)`).join(';'),
    )
    const lockTimeout = 300
    const audit = new Auditrum(database, { lockTimeout, tables: names.map((name) => track(name)) })

    const holder = await database.client()
    await holder.query('begin; insert into t00 values (1)')
    // the server itself ends a write that waits longer
    const writer = await database.client({ options: `-c statement_timeout=${lockTimeout + 700}` })
    let synced = false
    const running = audit.sync().then(
      () => undefined,
      (error: unknown) => error,
    )
    const done = running.finally(() => {
      synced = true
    })
    let writes = 0
    while (!synced) {
      await writer.query(`insert into ${names[1 + (writes % 49)]} values (${writes})`)
      writes++
      await pause(5)
    }
    const error = await done
    expect(error).toBeInstanceOf(SchemaError)
    expect(String(error)).toMatch(
      /failed for 1 of 50: public\.t00: could not be locked in 8 attempts of 300 ms \(the option lockTimeout\), because process \d+ held a lock\. The rest is done; run sync again/,
    )
    await holder.query('commit')
    expect(await audit.sync()).toMatchObject({ installed: ['public.t00'] })
  })

  test('names who is in the way, and claims nothing to be done where nothing is', async () => {
    const database = await testDatabase()
    await database.query('create table a (id integer primary key)')
    const audit = new Auditrum(database, { lockTimeout: 10, tables: [track('a')] })
    const holder = await database.client()
    const { rows } = await holder
      .query('begin; insert into a values (1); select pg_backend_pid() as pid')
      .then((results) => (results as unknown as (typeof results)[])[2] ?? results)
    const message = await audit.sync().catch((error: Error) => error.message)
    expect(message).toBe(
      `Sync failed for 1 of 1: public.a: could not be locked in 8 attempts of 10 ms (the option lockTimeout), because process ${rows[0].pid} held a lock. Run sync again when that has changed.`,
    )
    await holder.query('commit')
    await audit.sync()

    await holder.query('begin; select * from a')
    await expect(audit.uninstall()).rejects.toMatchObject({
      code: 'AUDITRUM_SCHEMA',
      message: `Uninstall stopped: public.a: could not be locked in 1 attempt of 10 ms (the option lockTimeout), because process ${rows[0].pid} held a lock. Run it again: it goes on where it stopped.`,
    })
    await holder.query('commit')
    await audit.uninstall()
  })

  test('says which options of a declaration changed', async () => {
    const database = await testDatabase()
    await database.query('create table a (id integer primary key, x text, y text)')
    await new Auditrum(database, { tables: [track('a', { mask: ['x'], when: 'true' })] }).sync()
    const changed = new Auditrum(database, { tables: [track('a', { mask: ['y'], ignore: ['x'] })] })
    expect((await changed.plan())[1]?.reasons).toEqual([
      'the declaration changed: +ignore mask -when',
    ])
  })

  test('passes under a role that may only read the catalogue, when nothing is to be done', async () => {
    const database = await testDatabase()
    await database.query('create table orders (id integer primary key)')
    const tables = [track('orders')]
    await new Auditrum(database, { tables }).sync()
    const role = await database.role()
    const hardened = new Auditrum(await role.client(), { tables })
    expect(await hardened.sync()).toMatchObject({ unchanged: ['public.orders'] })

    await database.query('alter table orders add note text')
    expect(await hardened.sync()).toMatchObject({
      updated: [],
      unchanged: [],
      pending: ['public.orders'],
      owner: 'postgres',
    })
    // who asks as a role that may not is told who may
    expect((await hardened.status()).findings).toContainEqual(
      expect.objectContaining({ code: 'columns_changed', remedy: 'Run sync as postgres.' }),
    )
    await database.query(`insert into orders values (1, 'x'); update orders set note = 'y'`)
    const { rows } = await database.query(
      `select new ->> 'note' as note from auditrum.audit_event order by id`,
    )
    expect(rows).toEqual([{ note: 'x' }, { note: 'y' }])

    const another = new Auditrum(await role.client(), {
      tables: [track('orders', { exclude: ['note'] })],
    })
    await expect(another.sync()).rejects.toMatchObject({
      code: 'AUDITRUM_SCHEMA',
      message: expect.stringMatching(
        /does not own the schema auditrum.*\+note.*Run sync as postgres, in the deployment, before the application starts\.$/,
      ),
    })
    expect(await new Auditrum(database, { tables }).sync()).toMatchObject({
      updated: ['public.orders'],
      pending: [],
    })
  })

  test('is done by a role that is not superuser', async () => {
    const database = await testDatabase()
    const role = await database.role()
    await database.query(
      `grant create on database ${database.name} to ${role.name}; create schema app authorization ${role.name}`,
    )
    const owner = await role.client()
    await owner.query('create table app.orders (id integer primary key)')
    const audit = new Auditrum(owner, { tables: [track('app.orders')] })
    await audit.sync()
    const writer = await database.role()
    await database.query(
      `grant usage on schema app to ${writer.name}; grant insert on app.orders to ${writer.name}`,
    )
    await (await writer.client()).query('insert into app.orders values (1)')
    expect((await audit.page()).events).toMatchObject([{ table: 'orders', dbUser: writer.name }])
    expect((await audit.status()).ok).toBe(true)
  })

  test('a log in a schema of another name is complete, and two logs can record one table', async () => {
    const database = await testDatabase()
    await database.query('create table orders (id integer primary key)')
    const first = new Auditrum(database, { tables: [track('orders')] })
    const second = new Auditrum(database, { schema: 'Änderungen 2', tables: [track('orders')] })
    await first.sync()
    await second.sync()
    await database.query('insert into orders values (1)')
    for (const audit of [first, second]) {
      expect((await audit.page()).events).toHaveLength(1)
      expect((await audit.status()).findings).toMatchObject([{ code: 'events_without_actor' }])
      expect(await audit.blame('orders', 1)).toHaveLength(1)
    }
  })
})

describe('uninstall', () => {
  test('keeps the log, and recording can go on with the gap noted', async () => {
    const database = await testDatabase()
    await database.query('create table orders (id integer primary key)')
    const audit = new Auditrum(database, { tables: [track('orders')] })
    await audit.sync()
    await database.query('insert into orders values (1)')
    await audit.uninstall()
    await database.query('insert into orders values (2)')
    await audit.sync()
    await database.query('insert into orders values (3)')
    const { events } = await audit.page({ table: 'orders', order: 'asc' })
    expect(events.map(({ objectId }) => objectId)).toEqual(['1', '3'])
    expect((await audit.status()).tables).toMatchObject([{ table: 'public.orders', gaps: 1 }])
  })

  test('drops everything on request', async () => {
    const database = await testDatabase()
    await database.query('create table orders (id integer primary key)')
    const audit = new Auditrum(database, { tables: [track('orders')] })
    await audit.sync()
    await audit.uninstall({ keepLog: false })
    const { rows } = await database.query(
      `select to_regnamespace('auditrum') as log, (select count(*)::integer from pg_trigger where tgname ~ 'auditrum') as triggers`,
    )
    expect(rows).toEqual([{ log: null, triggers: 0 }])
    await audit.uninstall()
  })
})

describe('a migration', () => {
  let up = ''
  let down = ''
  beforeAll(async () => {
    const database = await testDatabase()
    await database.query('create table orders (id integer primary key)')
    const audit = new Auditrum(database, {
      tables: [track('orders', { when: `NEW.id <> 7 -- it's` })],
    })
    ;({ up, down } = await audit.migration())
  })

  test('says above each part what that part does', async () => {
    const database = await testDatabase()
    await database.query(
      'create table kept (id integer primary key); create table spare (like kept including all); create table added (like kept including all)',
    )
    await new Auditrum(database, { tables: [track('kept'), track('spare')] }).sync()
    const audit = new Auditrum(database, {
      tables: [track('kept', { image: 'changed' }), track('added')],
    })
    const { up, down } = await audit.migration({ prune: true })
    const comments = (sql: string) => sql.split('\n').filter((line) => line.startsWith('--'))
    expect(comments(up)).toEqual([
      '-- update public.kept: the declaration changed: +image',
      '-- install public.added: it is not tracked',
      '-- uninstall public.spare: it is no longer declared',
    ])
    expect(comments(down)).toEqual([
      '-- track public.spare again, as it was declared',
      '-- stop tracking public.added again',
      '-- declare public.kept as it was before',
    ])
    await database.query(up)
    expect(await audit.sync()).toMatchObject({ unchanged: ['public.kept', 'public.added'] })
    await database.query(down)
    const before = new Auditrum(database, { tables: [track('kept'), track('spare')] })
    expect(await before.sync({ prune: true })).toMatchObject({
      unchanged: ['public.kept', 'public.spare'],
      uninstalled: [],
    })
  })

  test('does in SQL what plan says, and takes it back', async () => {
    const database = await testDatabase()
    await database.query('create table orders (id integer primary key)')
    await database.query(up)
    await database.query('insert into orders values (1), (7)')
    const audit = new Auditrum(database)
    expect((await audit.page()).events).toMatchObject([{ objectId: '1' }])
    await database.query(down)
    await database.query('insert into orders values (2)')
    expect((await audit.page()).events).toHaveLength(1)
  })
})

test('untrack stops one table, and nothing else', async () => {
  const database = await testDatabase()
  await database.query('create table a (id int primary key); create table b (id int primary key)')
  const audit = new Auditrum(database, { tables: [track('a'), track('b')] })
  await audit.sync()
  expect([await audit.untrack('a'), await audit.untrack('public.a')]).toEqual([true, false])
  await expect(audit.untrack('missing')).rejects.toThrow('missing')
  await database.query('insert into a values (1); insert into b values (1)')
  expect((await audit.page()).events.map(({ table }) => table)).toEqual(['b'])
  expect((await audit.page({ after: null })).events).toHaveLength(1)
})

describe("in a transaction of the caller's", () => {
  test('sync is part of it, and leaves its settings as they were', async () => {
    const database = await testDatabase()
    await database.query('create table orders (id int primary key)')
    const client = await database.client()
    const audit = new Auditrum(client, { tables: [track('orders')] })
    await client.query(`begin; set local lock_timeout = '7s'; set local search_path = public`)
    await audit.sync()
    const { rows } = await client.query(
      `select current_setting('lock_timeout') as lock_timeout, current_setting('search_path') as search_path`,
    )
    expect(rows).toEqual([{ lock_timeout: '7s', search_path: 'public' }])
    await client.query('rollback')
    expect((await audit.plan()).map(({ action }) => action)).toEqual(['install', 'install'])
  })

  test('it says what failed first, not that the transaction is aborted', async () => {
    const database = await testDatabase()
    await database.query('create table a (id int primary key); create table b (id int primary key)')
    await new Auditrum(await database.client()).sync()
    const blocker = await database.client()
    await blocker.query('begin; lock table a')
    const client = await database.client()
    await client.query('begin')
    const audit = new Auditrum(client, { tables: [track('a'), track('b')], lockTimeout: 50 })
    await expect(audit.sync()).rejects.toThrow(/public\.a.*could not be locked/)
  })
})

import { testDatabase } from '@auditrum/testkit/vitest'
import { beforeAll, describe, expect, test } from 'vitest'
import { Auditrum, type Queryable, type Status, track, trackAll, waive } from '../../src/index.js'

const findings = ({ findings }: Status) =>
  findings.map(
    ({ severity, code, message, remedy }) => `${severity} ${code}: ${message}. ${remedy}`,
  )

describe('a declaration that would record nothing, or too much, is refused by sync and told by status:', () => {
  let database: Queryable
  beforeAll(async () => {
    const fresh = await testDatabase()
    await fresh.query(`
      create table orders (id integer primary key);
      create table spare (id integer primary key);
      create view open_orders as select * from orders;
      create schema billing;
      create table billing.invoices (id integer primary key);
      create schema empty;
    `)
    database = fresh
  })

  test.for([
    [
      'trackAll of a schema that does not exist',
      [trackAll({ schema: 'bilingg' })],
      'There is no schema "bilingg", of which trackAll declares every table. Did you mean "billing"?',
      'schema_missing',
    ],
    [
      'trackAll of a schema like no other',
      [trackAll({ schema: 'nix' })],
      'There is no schema "nix", of which trackAll declares every table. Create it first, or correct the name.',
      'schema_missing',
    ],
    [
      'an exception that names no table',
      [trackAll({ except: ['sparee'] })],
      'There is no table "public.sparee", which trackAll excepts. Did you mean "public.spare"?',
      'excepted_missing',
    ],
    [
      'a table that is tracked and waived',
      [track('orders'), waive('public.orders', 'too large')],
      'public.orders is declared as tracked, and waived. Remove one of the two.',
      'tracked_and_waived',
    ],
    [
      'a table that is not there, and none of a similar name',
      [track('order_items')],
      'There is no table "order_items". Create it first, or name its schema if that is not in the search_path.',
      'table_missing',
    ],
    [
      'a table in another schema',
      [track('invoices')],
      'There is no table "invoices". Did you mean "billing.invoices"?',
      'table_missing',
    ],
  ] as const)('%s', async ([, tables, message, code]) => {
    const audit = new Auditrum(database, { tables })
    for (const call of [audit.plan(), audit.sync()]) {
      await expect(call).rejects.toMatchObject({ code: 'AUDITRUM_DECLARATION', message })
    }
    const status = await audit.status()
    expect(status.ok).toBe(false)
    expect(findings(status)).toContainEqual(`error ${code}: ${message}`)
  })

  test('not: views and tables of any kind may be excepted, and a schema may be empty', async () => {
    const audit = new Auditrum(database, {
      tables: [trackAll({ except: ['spare', 'open_orders'] }), trackAll({ schema: 'empty' })],
    })
    expect(await audit.sync({ dryRun: true })).toMatchObject({ installed: ['public.orders'] })
  })
})

test('a waiver may come before its table, and status tells of it', async () => {
  const database = await testDatabase()
  await database.query('create schema app; create table app.cache (id integer primary key)')
  const audit = new Auditrum(database, {
    tables: [waive('later', 'rebuilt nightly'), waive('cahce', 'the same'), waive('cache', 'so')],
  })
  await audit.sync()
  const status = await audit.status()
  expect(status.ok).toBe(true)
  expect(findings(status)).toEqual([
    'info waived_missing: later is waived, and there is no such table. Correct the waiver or remove it, unless a later migration creates the table.',
    'info waived_missing: cahce is waived, and there is no such table. Did you mean "app.cache"?',
  ])
  await database.query('create table later (id integer primary key)')
  expect(await audit.check()).toEqual([])
  expect(findings(await audit.status())).toHaveLength(1)
})

test('waivers and exceptions ask for no right on their schema', async () => {
  const database = await testDatabase()
  await database.query('create schema hidden; create table hidden.a (id integer primary key)')
  await new Auditrum(database).sync()
  const role = await database.role()
  const audit = new Auditrum(await role.client(), {
    tables: [waive('hidden.a', 'private'), trackAll({ schema: 'hidden', except: ['a'] })],
  })
  expect(await audit.sync()).toMatchObject({ installed: [] })
})

describe('a table that was', () => {
  test.for([
    ['renamed', 'alter table clicks rename to events_click', 'public.events_click'],
    ['moved', 'create schema web; alter table clicks set schema web', 'web.clicks'],
  ] as const)('%s is named by its new name', async ([, sql, name]) => {
    const database = await testDatabase()
    await database.query(
      'create table clicks (id integer primary key); create table docs (id integer primary key)',
    )
    const audit = new Auditrum(database, { tables: [track('public.clicks'), track('docs')] })
    await audit.sync()
    await database.query(sql)
    const message = `public.clicks is now ${name}. Declare that name: its changes are recorded all along.`
    await expect(audit.sync()).rejects.toMatchObject({ code: 'AUDITRUM_DECLARATION', message })
    const status = await audit.status()
    expect(status.ok).toBe(true)
    expect(findings(status)).toEqual([`warning table_renamed: ${message}`])

    const corrected = new Auditrum(database, { tables: [track(name), track('docs')] })
    expect(await corrected.sync()).toMatchObject({ unchanged: [name, 'public.docs'] })
    await database.query(`insert into ${name} values (1)`)
    expect((await corrected.page({ table: name })).events).toHaveLength(1)
  })
})

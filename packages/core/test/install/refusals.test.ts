import type { Database } from '@auditrum/testkit'
import { testDatabase } from '@auditrum/testkit/vitest'
import { beforeAll, describe, expect, test } from 'vitest'
import { Auditrum, schemaSql, type TrackOptions, track, trackingSql } from '../../src/index.js'

let database: Database
beforeAll(async () => {
  database = await testDatabase()
  await database.query(`
    create table orders (id integer primary key, status text, card text);
    create view open_orders as select * from orders;
    create table days (day date primary key) partition by range (day);
    create table days_2026 partition of days for values from ('2026-01-01') to ('2027-01-01');
    create schema foreign_schema;
    create table foreign_schema.thing (id integer);
  `)
})

const untouched = async () =>
  (await database.query(`select to_regnamespace('auditrum') is null as untouched`)).rows[0]
    ?.untouched

describe('sync refuses, before it changes anything,', () => {
  test.for([
    [
      'an unknown table',
      'oders',
      {},
      /There is no table "oders"\. Did you mean "public\.orders"\?/,
    ],
    ['an unknown schema', 'nix.orders', {}, /There is no table "nix\.orders"\./],
    [
      'an unknown column',
      'orders',
      { only: ['stats'] },
      /no column "stats".*Did you mean "status"\?/,
    ],
    ['a key column that is excluded', 'orders', { exclude: ['id'] }, /"id" is in the primary key/],
    ['a key column that is masked', 'orders', { mask: ['id'] }, /"id" is in the primary key/],
    ['a view', 'open_orders', {}, /is not a table/],
    ['a partition', 'days_2026', {}, /is a partition\. Track the partitioned table/],
    ['a table of the catalogue', 'pg_catalog.pg_class', {}, /cannot be tracked/],
  ] as const)('%s', async ([, table, options, message]) => {
    const audit = new Auditrum(database, {
      tables: [track('days'), track(table, options as TrackOptions)],
    })
    await expect(audit.sync()).rejects.toMatchObject({
      code: 'AUDITRUM_DECLARATION',
      message: expect.stringMatching(message),
    })
    expect(await untouched()).toBe(true)
  })

  test('a table that is declared twice, differently', async () => {
    const audit = new Auditrum(database, {
      tables: [track('orders'), track('public.orders', { mask: ['card'] })],
    })
    await expect(audit.sync()).rejects.toThrow(/declared twice/)
  })

  test('a schema that belongs to somebody else', async () => {
    const audit = new Auditrum(database, { schema: 'foreign_schema', tables: [track('orders')] })
    await expect(audit.sync()).rejects.toMatchObject({
      code: 'AUDITRUM_SCHEMA',
      message: expect.stringMatching(/holds objects that auditrum did not create.*option schema/),
    })
    await expect(database.query(schemaSql({ schema: 'foreign_schema' }))).rejects.toMatchObject({
      code: 'AU003',
    })
  })

  test('a role without the privilege, and says which', async () => {
    const role = await database.role()
    const client = await role.client()
    await expect(new Auditrum(client, { tables: [track('orders')] }).sync()).rejects.toMatchObject({
      code: 'AUDITRUM_SCHEMA',
      message: expect.stringMatching(
        /may not create the schema auditrum\. Grant CREATE on the database/,
      ),
    })
    await database.query(`grant create on database ${database.name} to ${role.name}`)
    await expect(new Auditrum(client, { tables: [track('orders')] }).sync()).rejects.toThrow(
      /may not create triggers on public\.orders\. Grant TRIGGER/,
    )
    expect(await untouched()).toBe(true)
  })
})

test('a table that this role may not record keeps no other from being recorded', async () => {
  const own = await testDatabase()
  const role = await own.role()
  await own.query(`create table a (id integer primary key); create table b (id integer primary key);
    grant create on database ${own.name} to ${role.name}; grant trigger on b to ${role.name}`)
  const audit = new Auditrum(await role.client(), { tables: [track('a'), track('b')] })
  expect((await audit.plan()).map(({ action }) => action)).toEqual([
    'install',
    'install',
    'install',
  ])
  await expect(audit.sync()).rejects.toThrow(/may not create triggers on public\.a\. Grant TRIGGER/)
  expect(await audit.plan()).toMatchObject([
    { action: 'none' },
    { reasons: ['it is not tracked', `${role.name} may not create triggers on it`] },
    { action: 'none' },
  ])
  await own.query(`grant trigger on a to ${role.name}`)
  expect(await audit.sync()).toMatchObject({ installed: ['public.a'], unchanged: ['public.b'] })
})

describe('the database itself refuses', () => {
  let installed: Database
  beforeAll(async () => {
    installed = await testDatabase()
    await installed.query(
      'create table orders (id integer primary key, status text); create view v as select 1 as id',
    )
    await installed.query(schemaSql())
  })

  test.for([
    ['a view', 'v', {}, /not a table/],
    ['an unknown column', 'orders', { ignore: ['nix'] }, /no column nix/],
    ['an excluded key', 'orders', { exclude: ['id'] }, /primary key/],
    ['a condition that is no SQL', 'orders', { when: 'OLD.status =' }, /cannot be evaluated/],
    [
      'a condition over an unknown column',
      'orders',
      { when: { update: 'NEW.nix' } },
      /cannot be evaluated/,
    ],
    ['a condition that is no boolean', 'orders', { when: 'NEW.status' }, /cannot be evaluated/],
  ] as const)('%s', async ([, table, options, message]) => {
    const text = trackingSql(track(table, options as TrackOptions))
    await expect(installed.query(text)).rejects.toMatchObject({
      code: 'AU002',
      message: expect.stringMatching(message),
    })
  })

  test('what the API never sends: unknown options and contradictions', async () => {
    for (const declaration of [
      { nix: 1 },
      { only: ['status'], exclude: ['status'] },
      { image: 'half' },
    ]) {
      await expect(
        installed.query('select auditrum.track($1::regclass, $2)', ['orders', declaration]),
      ).rejects.toMatchObject({ code: 'AU002' })
    }
  })

  test('a condition is refused by sync as a DeclarationError', async () => {
    const audit = new Auditrum(installed, { tables: [track('orders', { when: 'NEW.nix' })] })
    await expect(audit.sync()).rejects.toMatchObject({ code: 'AUDITRUM_DECLARATION' })
  })
})

test('a log of a newer version is refused, and left alone', async () => {
  const newer = await testDatabase()
  await newer.query('create table orders (id integer primary key)')
  const audit = new Auditrum(newer, { tables: [track('orders')] })
  await audit.sync()
  await newer.query(`comment on schema auditrum is 'auditrum schema version 999'`)
  await expect(audit.sync()).rejects.toMatchObject({
    code: 'AUDITRUM_SCHEMA',
    message: expect.stringMatching(/has version 999.*Upgrade the auditrum packages/),
  })
  await expect(newer.query(schemaSql())).rejects.toMatchObject({ code: 'AU003' })
  expect((await audit.status()).findings).toContainEqual(
    expect.objectContaining({ code: 'log_newer' }),
  )
})

test('reading and housekeeping before the log is installed say so', async () => {
  const audit = new Auditrum(await testDatabase())
  for (const call of [
    () => audit.page(),
    () => audit.blame('orders', 1),
    () => audit.maintain(),
    () => audit.createPartitions(),
  ]) {
    await expect(call()).rejects.toMatchObject({
      code: 'AUDITRUM_SCHEMA',
      message: expect.stringMatching(/^The log is not installed here.*Run sync/),
    })
  }
})

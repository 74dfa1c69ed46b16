import type { Role } from '@auditrum/testkit'
import { testDatabase, testServer } from '@auditrum/testkit/vitest'
import { expect, test } from 'vitest'
import { Auditrum, track } from '../../src/index.js'
import { recipe } from './guide.js'

const version = Number(testServer().version)

/** Orders of two tenants, changed by two users, and the guide's recipe for readers of one of them. */
async function tenants(mark: string) {
  const database = await testDatabase()
  const [owner, acme, app] = [await database.role(), await database.role(), await database.role()]
  await database.query(`
    grant create on database ${database.name} to ${owner.name};
    create table orders (id integer primary key, tenant_id text, note text);
    grant trigger on orders to ${owner.name};
    grant select, insert, update, delete on orders to ${app.name}`)
  const keeper = await owner.client()
  const audit = new Auditrum(keeper, { tables: [track('orders', { meta: ['tenant_id'] })] })
  await audit.sync()
  const log = new Auditrum(database, { tables: [track('orders', { meta: ['tenant_id'] })] })
  await keeper.query(recipe(mark).replaceAll('acme_reader', acme.name))
  await log.harden({ appRole: app.name })
  const client = await app.client()
  for (const [id, tenant] of [
    [1, 'acme'],
    [2, 'other'],
  ]) {
    await client.query(`
      select set_config('auditrum.context', '{"user_id": "of ${tenant}"}', true);
      insert into orders values (${id}, '${tenant}', 'secret of ${tenant}');
      update orders set note = 'changed' where id = ${id}`)
  }
  return { database, audit, log, acme, app }
}

/** What a reader of one tenant sees, and what it does not. */
async function inspect(acme: Role, app: Role): Promise<void> {
  const reader = await acme.client()
  const { rows } = await reader.query('select * from tenants.events order by id')
  expect(
    rows.map(({ operation, object_id, user_id }) => [
      operation[0].toLowerCase(),
      object_id,
      user_id,
    ]),
  ).toEqual([
    ['i', '1', 'of acme'],
    ['u', '1', 'of acme'],
  ])
  // a setting of the session is no way in, nor is a function that sees rows before the filter does
  await reader.query(`
    set app.tenant = 'other';
    create function pg_temp.spy(text) returns boolean language plpgsql cost 0.0001
      as $$ begin if $1 like '%other%' then raise 'seen'; end if; return true; end $$`)
  expect(
    (await reader.query('select from tenants.events as event where pg_temp.spy(event::text)')).rows,
  ).toHaveLength(2)
  for (const hidden of [
    'auditrum.auditlog',
    'auditrum.audit_event_overflow',
    'auditrum.audit_setting',
  ]) {
    await expect(reader.query(`table ${hidden}`)).rejects.toThrow('denied')
  }
  await expect(reader.query(`update tenants.reader set tenant = 'other'`)).rejects.toThrow('denied')
  await expect(reader.query(`delete from tenants.events`)).rejects.toThrow()
  // nor does the application see anything
  await expect((await app.client()).query('table tenants.events')).rejects.toThrow('denied')
}

test('readers of one tenant see its events by a view', async () => {
  const { acme, app, audit, log } = await tenants('security_barrier')
  await inspect(acme, app)
  expect((await log.page()).events).toHaveLength(4)
  expect(await audit.sync()).toMatchObject({ unchanged: ['public.orders'] })
  expect(await log.status()).toMatchObject({ ok: true, findings: [] })
})

test.skipIf(version < 15)('and by row level security, whichever way they come', async () => {
  const { acme, app, audit, log, database } = await tenants('security_invoker')
  await inspect(acme, app)
  const reader = await acme.client()
  expect((await reader.query('select from auditrum.audit_event')).rows).toHaveLength(2)
  expect((await reader.query('select user_id from auditrum.audit_context')).rows).toEqual([
    { user_id: 'of acme' },
  ])
  expect((await reader.query('table tenants.reader')).rows).toHaveLength(1)
  // a sealed log is verified by who sees all of it
  await audit.enableSealing()
  await audit.seal()
  expect(await audit.verifyChain()).toMatchObject({ ok: true, verified: 4 })
  await database.query(
    `grant select on auditrum.audit_seal, auditrum.audit_leaf, auditrum.audit_table, auditrum.audit_purge, auditrum.audit_erasure to ${acme.name}`,
  )
  const seen = await new Auditrum(reader).verifyChain({ independent: true })
  expect(seen).toMatchObject({
    ok: false,
    verified: 2,
    problems: expect.arrayContaining([
      expect.objectContaining({
        kind: 'rewritten',
        message: expect.stringContaining('row level security for who verifies'),
      }),
    ]),
  })
  // who may read all still does, and what is made later is under the same policies
  const all = await database.role()
  await database.query(`select auditrum.let_read('${all.name}')`)
  expect((await new Auditrum(await all.client()).page()).events).toHaveLength(4)
  await audit.createPartitions({ months: 6 })
  await expect(reader.query('table auditrum.audit_event_overflow')).rejects.toThrow('denied')
  expect(await audit.sync()).toMatchObject({ unchanged: ['public.orders'] })
  expect(await log.status()).toMatchObject({ ok: true, findings: [] })
})

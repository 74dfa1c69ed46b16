import { expect, test } from 'vitest'
import { Auditrum, UsageError } from '../../src/index.js'
import { type AuditedDatabase, auditedDatabase } from '../support.js'

// What a superuser does to the database, so that statements do not find, or do not compare, what is there.

async function sealedLog(): Promise<{ database: AuditedDatabase; audit: Auditrum }> {
  const database = await auditedDatabase()
  await database.tracked('orders', 'create table orders (id int primary key, total int)')
  const audit = new Auditrum(database)
  await audit.enableSealing()
  await database.query('insert into orders select n, n from generate_series(1, 10) n')
  await audit.seal()
  return { database, audit }
}

/** Does something to a partition of later, %1$s, and has PostgreSQL believe that it is in order. */
function unchecked(table: 'audit_event' | 'audit_context', act: string): string {
  return `
    do $do$
    declare
      part   regclass := (select inhrelid::regclass from pg_inherits where inhparent = 'auditrum.${table}'::regclass order by inhrelid::regclass::text offset 2 limit 1);
      bounds text := (select pg_get_expr(relpartbound, oid) from pg_class where oid = part);
      fits   text := pg_get_partition_constraintdef(part);
    begin
      execute format('alter table auditrum.${table} detach partition %1$s', part);
      execute format($act$${act}$act$, part);
      execute format('alter table %1$s add constraint fits check (%2$s) not valid', part, fits);
      update pg_constraint set convalidated = true where conname = 'fits';
      execute format('alter table auditrum.${table} attach partition %1$s %2$s', part, bounds);
    end $do$`
}

test.each([
  ['an event', 'audit_event', '{"id": 99}'],
  ['a context', 'audit_context', '{"user_id": "mallory"}'],
] as const)('%s in a partition whose bounds it does not fit is told', async (_, table, forged) => {
  const { database, audit } = await sealedLog()
  await database.query(
    unchecked(
      table,
      `insert into %1$s select (jsonb_populate_record(own, '${forged}')).* from auditrum.${table} as own limit 1`,
    ),
  )
  const told = {
    ok: false,
    problems: expect.arrayContaining([
      expect.objectContaining({
        kind: 'rewritten',
        message: expect.stringMatching(`${table}_.* holds a row that cannot be in it`),
      }),
    ]),
  }
  expect(await audit.verifyChain()).toMatchObject(told)
  const { rows } = await database.query('select auditrum.verify_chain() as said')
  expect(rows[0]?.said).toMatchObject(told)
  expect(await audit.verifyChain({ independent: true })).toMatchObject(told)
})

test('a sealed event that was moved to where nobody looks for it is told', async () => {
  const { database, audit } = await sealedLog()
  await database.query(
    unchecked(
      'audit_event',
      'with gone as (delete from auditrum.audit_event where id = 5 returning *) insert into %1$s select * from gone',
    ),
  )
  for (const independent of [false, true])
    expect(await audit.verifyChain({ independent })).toMatchObject({
      ok: false,
      problems: expect.arrayContaining([expect.objectContaining({ kind: 'rewritten' })]),
    })
})

test('functions that were made to answer nothing are told by what they have not counted', async () => {
  const { database, audit } = await sealedLog()
  await database.query(`create or replace function auditrum.verify_events(after bigint, until bigint) returns jsonb
    return '{"verified": 0, "redacted": 0, "pending": 0, "problems": []}'::jsonb`)
  expect(await audit.verifyChain()).toMatchObject({
    ok: false,
    verified: 0,
    problems: [{ kind: 'rewritten', message: expect.stringContaining('Of 10 events') }],
  })
  expect(await audit.verifyChain({ independent: true })).toMatchObject({ ok: true, verified: 10 })
  // of a part nobody knows how many there ought to be
  expect(await audit.verifyChain({ after: '5' })).toMatchObject({ ok: true, after: '5' })
})

test('operators that need not be those of PostgreSQL are not asked', async () => {
  const { database } = await sealedLog()
  await database.query(`create schema evil;
    create function evil.same(bytea, bytea) returns boolean language sql as 'select true';
    create operator evil.= (leftarg = bytea, rightarg = bytea, function = evil.same)`)
  const client = await database.client()
  const audit = new Auditrum(client)
  await client.query('create temp table own ()')
  for (const path of ['public', 'evil, public', 'pg_temp, public']) {
    await client.query(`set search_path = ${path}`)
    expect(await audit.verifyChain({ independent: true })).toMatchObject({ ok: true })
  }
  await client.query('set search_path = evil, pg_catalog')
  const refused = audit.verifyChain({ independent: true })
  await expect(refused).rejects.toThrow(UsageError)
  await expect(refused).rejects.toThrow('puts "evil" before pg_catalog')
  expect(await audit.verifyChain()).toMatchObject({ ok: true })
})

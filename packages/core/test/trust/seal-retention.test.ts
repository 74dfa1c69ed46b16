import { beforeAll, describe, expect, test } from 'vitest'
import { Auditrum, IntegrityError } from '../../src/index.js'
import { splitByYear } from '../keep/support.js'
import { type AuditedDatabase, auditedDatabase } from '../support.js'

/** Two tables with events of three years ago and of now, sealed in blocks of ten events. */
async function agedLog(): Promise<{ database: AuditedDatabase; audit: Auditrum }> {
  const database = await auditedDatabase()
  const audit = new Auditrum(database)
  await database.tracked('orders', 'create table orders (id int primary key)')
  await database.tracked('notes', 'create table notes (id int primary key)', {
    retention: '10 years',
  })
  await database.query(`
    insert into orders select generate_series(1, 25);
    insert into notes select generate_series(1, 5);
    update auditrum.audit_event set changed_at = changed_at - interval '3 years';
    insert into orders select generate_series(26, 40);
  `)
  await audit.enableSealing()
  await audit.seal({ maxEvents: 10 })
  return { database, audit }
}

const both = async (audit: Auditrum) => {
  const found = await audit.verifyChain()
  expect(await audit.verifyChain({ independent: true })).toEqual(found)
  return found
}

describe.each([false, true])('with partitions dropped: %s', (dropPartitions) => {
  test('what retention took is told by the chain, and the rest verified', async () => {
    const { database, audit } = await agedLog()
    const { events } = await audit.purge({ olderThan: '2 years', dropPartitions })
    expect(events).toBe(25)
    expect(await both(audit)).toMatchObject({ ok: true, verified: 20, retired: 25 })
    // lists of blocks of which nothing is left
    const left = await database.query('select block from auditrum.audit_leaf order by block')
    expect(left.rows.map(({ block }) => Number(block))).toEqual([3, 4, 5])

    // the rest of block 3 goes later
    await audit.purge({ olderThan: '1 year', table: 'notes', dropPartitions })
    expect(await both(audit)).toMatchObject({ ok: true, verified: 15, retired: 30 })
  })
})

test('a partition of nothing but old events is dropped, and its blocks with it', async () => {
  const { database, audit } = await agedLog()
  await audit.purge({ olderThan: '1 year', table: 'notes' })
  await audit.createPartitions({ months: 2 })
  const { events } = await audit.purge({ olderThan: '1 year', dropPartitions: true })
  expect(events).toBe(25)
  expect(await both(audit)).toMatchObject({ ok: true, verified: 15, retired: 30 })
  const entry = await database.query<{ retired: { block: number; to?: number }[] }>(
    `select entry -> 'retired' as retired from auditrum.audit_seal order by id desc limit 1`,
  )
  expect(entry.rows[0]?.retired.map(({ block, to }) => [block, to])).toEqual([
    [1, 2],
    [3, undefined],
  ])
})

describe('of a log that was tampered with', () => {
  let database: AuditedDatabase
  let audit: Auditrum
  beforeAll(async () => {
    ;({ database, audit } = await agedLog())
    await database.query(
      `update auditrum.audit_event set db_user = 'nobody' where object_id = '7' and table_id = 1`,
    )
  })

  test('retention takes nothing that was changed', async () => {
    for (const dropPartitions of [false, true]) {
      await expect(audit.purge({ olderThan: '2 years', dropPartitions })).rejects.toThrow(
        IntegrityError,
      )
    }
    expect(await both(audit)).toMatchObject({
      ok: false,
      retired: 0,
      problems: [{ kind: 'edited', event: '7' }],
    })
  })
})

test('what is not sealed yet is sealed before it goes', async () => {
  const { database, audit } = await agedLog()
  await database.query(`
    insert into orders select generate_series(100, 110);
    update auditrum.audit_event set changed_at = changed_at - interval '3 years' where object_id::int >= 100;
  `)
  expect(await audit.purge({ olderThan: '2 years' })).toMatchObject({ events: 36 })
  expect(await both(audit)).toMatchObject({ ok: true, verified: 20, retired: 36, pending: 0 })
})

test('an event that was retired and is there again is told', async () => {
  const { database, audit } = await agedLog()
  await database.query('create table kept as select * from auditrum.audit_event')
  await audit.purge({ olderThan: '2 years' })
  await database.query('insert into auditrum.audit_event select * from kept where id in (3, 25)')
  expect((await both(audit)).problems).toMatchObject([
    // of a block of which nothing is left
    { kind: 'added', event: '3' },
    { kind: 'retired', event: '25', block: '3' },
  ])
})

test('what is said to be retired twice is counted once', async () => {
  const { database, audit } = await agedLog()
  await audit.purge({ olderThan: '2 years' })
  await database.query(`select auditrum.seal_append('retire', entry::jsonb - '{v,id,kind,previous,at,by}'::text[])
    from auditrum.audit_seal where entry ->> 'kind' = 'retire'`)
  expect(await both(audit)).toMatchObject({ ok: true, verified: 20, retired: 25 })
  const { rows } = await database.query('select auditrum.verify_chain() as said')
  expect(rows[0]?.said).toMatchObject({ ok: true, verified: 20, retired: 25 })
})

test('what a purge is taking off is not missing as long as it is there', async () => {
  const { database, audit } = await agedLog()
  await audit.purge({ olderThan: '1 year', table: 'notes' })
  await splitByYear(database)
  const [reader, other] = [await database.client(), await database.client()]
  await reader.query('begin; select from auditrum.audit_event')
  const purging = audit.purge({ olderThan: '1 year', dropPartitions: true })
  const isLeaving = async () =>
    (await other.query('select from pg_inherits where inhdetachpending')).rows.length > 0
  while (!(await isLeaving()));
  // who may read the tables need not read their partitions
  const auditor = await database.role()
  await other.query(`
    select auditrum.let_read('${auditor.name}');
    grant select on all tables in schema auditrum to ${auditor.name};
    do $$ begin execute (
      select string_agg(format('revoke select on %s from ${auditor.name}', inhrelid::regclass), ';')
      from pg_inherits where inhparent = any (array['auditrum.audit_event', 'auditrum.audit_context']::regclass[]));
    end $$`)
  await expect(
    new Auditrum(await auditor.client()).verifyChain({ independent: true }),
  ).rejects.toThrow(/is a partition that a purge is letting go of/)
  expect(await both(new Auditrum(other))).toMatchObject({ ok: true, verified: 40, retired: 5 })
  await reader.query('rollback')
  await purging
  expect(await both(audit)).toMatchObject({ ok: true, verified: 15, retired: 30 })
})

test('who erased, and why, stays on record when the contexts of that time are dropped', async () => {
  const { database, audit } = await agedLog()
  await database.query('delete from orders where id = 30')
  await audit.seal()
  const erased = await audit.erase(
    { table: 'orders', id: 30 },
    { reason: 'request 118', objectId: true },
  )
  expect(erased.entries).toHaveLength(1)
  const { rows } = await database.query<{ part: string }>(
    'select distinct relname::text as part from auditrum.audit_context as context join pg_class as class on class.oid = context.tableoid',
  )
  expect(rows).toHaveLength(1)
  const part = String(rows[0]?.part)
  // as a purge does it, long after
  await database.query(`alter table auditrum.audit_context detach partition auditrum.${part};
    select auditrum.purge_rescue('audit_context', '${part}', '{}'); drop table auditrum.${part}`)
  expect(await both(audit)).toMatchObject({ ok: true, verified: 46, redacted: 2 })
  await database.query(
    'delete from auditrum.audit_context where id = (select context_id from auditrum.audit_erasure)',
  )
  expect((await both(audit)).problems).toMatchObject([{ kind: 'edited', block: erased.entries[0] }])
})

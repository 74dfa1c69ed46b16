import { expect, test } from 'vitest'
import { Auditrum } from '../../src/index.js'
import { type AuditedDatabase, auditedDatabase } from '../support.js'

const bounds = `
  select class.relname as name, pg_get_expr(relpartbound, class.oid) as bound
  from pg_inherits join pg_class as class on class.oid = inhrelid
  where inhparent = 'auditrum.audit_event'::regclass
  order by 1`

test('there is a partition for this month, three more, and one for whatever comes later', async () => {
  const database = await auditedDatabase()
  const client = await database.client({ options: '-c TimeZone=Asia/Kathmandu' })
  const names = (await client.query(bounds)).rows.map(({ name }) => name)
  expect(names).toHaveLength(5)
  expect(names.at(-1)).toBe('audit_event_overflow')
  const audit = new Auditrum(client)
  expect(await audit.createPartitions({ months: 3 })).toEqual([])
  const made = await audit.createPartitions({ months: 5 })
  expect(made).toHaveLength(4)
  expect(made.filter((name) => name.startsWith('audit_context_'))).toHaveLength(2)
  await client.query(`set TimeZone = 'UTC'`)
  const { rows } = await client.query(bounds)
  expect(rows).toHaveLength(7)
  for (const { bound } of rows.slice(1, -1))
    expect(bound).toMatch(/'\d{4}-\d\d-01 00:00:00\+00'.*'\d{4}-\d\d-01 00:00:00\+00'/)
  // a new partition has the indexes of the log
  const indexes = `select count(*)::integer as count from pg_index where indrelid = 'auditrum.${made[0]}'::regclass`
  expect((await client.query(indexes)).rows[0]?.count).toBe(5)
})

test.for([-1, 0, 121, 1.5, Number.NaN])('%o months are refused', async (months) => {
  const database = await auditedDatabase()
  await expect(new Auditrum(database).createPartitions({ months })).rejects.toMatchObject({
    code: 'AUDITRUM_USAGE',
  })
})

test('where somebody has dropped the present partition, status says so, and maintain mends it', async () => {
  const database = await auditedDatabase()
  const audit = new Auditrum(database)
  await database.tracked('orders', 'create table orders (id int primary key)')
  await database.query('insert into orders values (1)')
  const { rows } = await database.query<{ name: string }>(
    'select tableoid::regclass::text as name from auditrum.audit_event',
  )
  await database.query(`drop table ${rows[0]?.name}`)
  await expect(database.query('insert into orders values (2)')).rejects.toThrow(/no partition/)
  expect(await audit.status()).toMatchObject({
    ok: false,
    findings: expect.arrayContaining([
      expect.objectContaining({ severity: 'error', code: 'partition_missing' }),
    ]),
  })
  const { partitions } = await audit.maintain()
  expect(partitions).toEqual([expect.stringMatching(/^audit_event_before_/)])
  await database.query('insert into orders values (2)')
  expect((await audit.maintain()).partitions).toEqual([])
  expect((await audit.status()).findings.map(({ code }) => code)).not.toContain('partition_missing')
})

test('what somebody has detached is told, and maintain puts it back', async () => {
  const database = await auditedDatabase()
  const audit = new Auditrum(database)
  await database.tracked('orders', 'create table orders (id int primary key)')
  await database.query('insert into orders values (1)')
  // two that lie side by side, one after the present one, which holds nothing
  const [present, next, last] = await partitionsOf(database, 'audit_event')
  const [contexts] = await partitionsOf(database, 'audit_context')
  await database.query(`
    update auditrum.audit_event set changed_at = changed_at + interval '1 month';
    insert into orders values (2);
    alter table auditrum.audit_event detach partition auditrum.${present};
    alter table auditrum.audit_event detach partition auditrum.${next};
    alter table auditrum.audit_event detach partition auditrum.${last};
    alter table auditrum.audit_context detach partition auditrum.${contexts}`)
  const detached = async () =>
    (await audit.status()).findings
      .filter(({ code, severity }) => code === 'partition_detached' && severity === 'error')
      .map(({ message }) => message.split(' ')[0])
  expect(await detached()).toEqual([present, next, contexts])

  expect(await audit.maintain()).toEqual({
    partitions: [],
    shapes: [],
    attached: [present, next, contexts],
  })
  expect(await detached()).toEqual([])
  await database.query('insert into orders values (3)')
  expect(await recorded(database)).toEqual(['1', '2', '3'])
  expect(await audit.maintain()).toEqual({ partitions: [], shapes: [] })
  expect((await audit.status()).ok).toBe(true)
})

test('a detaching by hand that was interrupted is taken back', async () => {
  const database = await auditedDatabase()
  const audit = new Auditrum(database)
  await database.tracked('orders', 'create table orders (id int primary key)')
  await database.query('insert into orders values (1)')
  const [present] = await partitionsOf(database, 'audit_event')
  const [reader, other] = [await database.client(), await database.client()]
  await reader.query('begin; select count(*) from auditrum.audit_event')
  await other.query(`set statement_timeout = '100ms'`)
  await expect(
    other.query(
      `alter table auditrum.audit_event detach partition auditrum.${present} concurrently`,
    ),
  ).rejects.toThrow('statement timeout')
  await reader.query('commit')
  await expect(database.query('insert into orders values (2)')).rejects.toThrow(/no partition/)
  expect((await audit.status()).ok).toBe(false)
  expect(await audit.maintain()).toEqual({ partitions: [], shapes: [], attached: [present] })
  expect((await audit.status()).ok).toBe(true)
  await database.query('insert into orders values (2)')
  expect(await recorded(database)).toEqual(['1', '2'])
})

test('what was detached concurrently takes all that its new place has, and the overflow comes back', async () => {
  const database = await auditedDatabase()
  const audit = new Auditrum(database)
  await database.tracked('orders', 'create table orders (id int primary key)')
  await database.query('insert into orders values (1)')
  const [present, next] = await partitionsOf(database, 'audit_event')
  const one = await database.client()
  for (const name of [present, next, 'audit_event_overflow'])
    await one.query(
      `alter table auditrum.audit_event detach partition auditrum.${name} concurrently`,
    )
  expect(await audit.maintain()).toMatchObject({ attached: ['audit_event_overflow', present] })
  await database.query(`
    insert into orders values (2);
    update auditrum.audit_event set changed_at = changed_at + interval '1 month' where object_id = '2'`)
  await database.query(
    `update auditrum.audit_event set changed_at = changed_at + interval '5 years' where object_id = '2'`,
  )
  expect(await recorded(database)).toEqual(['1', '2'])
})

test('what was detached is neither left out of an erasure nor robbed of its contexts by a purge', async () => {
  const database = await auditedDatabase()
  const audit = new Auditrum(database)
  await database.tracked('orders', 'create table orders (id int primary key, note text)')
  await database.query(`insert into orders values (1, 'of anna')`)
  const [present] = await partitionsOf(database, 'audit_event')
  await database.query(`alter table auditrum.audit_event detach partition auditrum.${present}`)
  const refused = { code: 'AUDITRUM_CONFLICT', message: expect.stringContaining(`${present}`) }
  const erase = () => audit.erase({ table: 'orders', id: 1 }, { reason: 'request 118' })
  await expect(erase()).rejects.toMatchObject(refused)
  await expect(audit.purge({ olderThan: '1 year' })).rejects.toMatchObject(refused)
  await expect(audit.enableSealing()).rejects.toMatchObject(refused)
  await audit.maintain()
  expect(await erase()).toMatchObject({ events: 1 })
})

test('what was detached and has lost its place stays where it is', async () => {
  const database = await auditedDatabase()
  const audit = new Auditrum(database)
  await database.tracked('orders', 'create table orders (id int primary key)')
  await database.query('insert into orders values (1)')
  const [present] = await partitionsOf(database, 'audit_event')
  await database.query(`
    alter table auditrum.audit_event detach partition auditrum.${present};
    select auditrum.mend_start('audit_event')`)
  expect(await audit.maintain()).toEqual({ partitions: [], shapes: [] })
  const told = () => audit.status().then(({ findings }) => findings.map(({ code }) => code))
  expect(await told()).toContain('partition_detached')
  // as the finding says
  await database.query(`
    insert into auditrum.audit_event overriding system value select * from auditrum.${present};
    drop table auditrum.${present}`)
  expect(await told()).not.toContain('partition_detached')
  expect(await recorded(database)).toEqual(['1'])
})

async function recorded(database: AuditedDatabase): Promise<readonly string[]> {
  const { rows } = await database.query<{ id: string }>(
    'select object_id as id from auditrum.auditlog order by 1',
  )
  return rows.map(({ id }) => id)
}

async function partitionsOf(database: AuditedDatabase, log: string): Promise<readonly string[]> {
  const { rows } = await database.query<{ name: string }>(
    'select name from auditrum.partitions_of($1) where until is not null',
    [log],
  )
  return rows.map(({ name }) => name)
}

test('a write in a far month, or before the first, has a home', async () => {
  const database = await auditedDatabase()
  for (const time of ['1999-01-01', '2199-01-01']) {
    await database.query(
      `insert into auditrum.audit_event (changed_at, txid, context_id, table_id, operation, image, db_user) values ($1, '1', 1, 1, 'I', 'f', 'x')`,
      [time],
    )
  }
  const audit = new Auditrum(database)
  expect((await audit.status()).findings).toContainEqual(
    expect.objectContaining({ code: 'clock_ahead' }),
  )
  // rows in it are never moved or lost
  expect(await audit.createPartitions({ months: 6 })).not.toContainEqual(
    expect.stringMatching(/^audit_event/),
  )
  expect(
    (await database.query('select count(*)::integer as count from auditrum.audit_event')).rows[0]
      ?.count,
  ).toBe(2)
})

test('maintain makes partitions and notes changed columns', async () => {
  const database = await auditedDatabase()
  await database.tracked('orders', 'create table orders (id integer primary key)')
  const audit = new Auditrum(database)
  expect(await audit.maintain()).toEqual({ partitions: [], shapes: [] })
  await database.query('alter table orders add note text')
  expect(await audit.maintain()).toEqual({ partitions: [], shapes: ['public.orders'] })
  const { rows } = await database.query(
    'select count(distinct valid_from)::integer as shapes from auditrum.audit_shape',
  )
  expect(rows[0]?.shapes).toBe(2)
})

test('new months make no write of the application deadlock', async () => {
  const database = await auditedDatabase()
  await database.tracked('orders', 'create table orders (id serial primary key)')
  const writers = await Promise.all([1, 2, 3].map(() => database.client()))
  let writing = true
  const writes = writers.map(async (writer) => {
    while (writing) await writer.query('insert into orders default values')
  })
  const audit = new Auditrum(database)
  for (let months = 4; months < 12; months++) await audit.createPartitions({ months })
  writing = false
  await expect(Promise.all(writes)).resolves.toBeDefined()
})

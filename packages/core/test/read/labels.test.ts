import { beforeAll, describe, expect, test } from 'vitest'
import { type AuditEvent, Auditrum, track } from '../../src/index.js'
import { type AuditedDatabase, auditedDatabase } from '../support.js'

let database: AuditedDatabase
let audit: Auditrum
beforeAll(async () => {
  database = await auditedDatabase()
  await database.query(`
    create table customers (id int primary key, name text, pin text);
    create table orders (
      id bigint primary key, number text, total numeric, customer_id int references customers, card text,
      seller_id int references customers
    );
    create function public.title(customers) returns text language sql return $1.name;
    create type mood as enum ('good', 'bad');
    create table shelves (house int, shelf text, name text, primary key (shelf, house));
    create table stock (id int primary key, shelf text, house int, n int, foreign key (house, shelf) references shelves (house, shelf));
    insert into customers values (1, 'ACME', 'secret'), (2, 'Foo', 'secret');
    insert into shelves values (7, 'a', 'Left'), (7, 'b', 'Right')`)
  audit = new Auditrum(database, {
    tables: [
      track('customers', { label: 'name', exclude: ['pin'] }),
      track('orders', { label: `'order ' || number`, mask: ['card'] }),
      track('shelves', { label: `name || ' in house ' || house` }),
      track('stock', { image: 'changed', label: `n || ' pieces'` }),
    ],
  })
  await audit.sync()
  for (const table of ['customers', 'shelves']) await audit.backfill(table)
  await database.query(`
    insert into orders values (42, '2026-118', 10, 1, null, 2);
    update orders set customer_id = 2;
    insert into stock values (1, 'a', 7, 5);
    update stock set shelf = 'b' where id = 1`)
})

async function newest(filter: object): Promise<AuditEvent | undefined> {
  return (await audit.page({ ...filter, labels: true })).events[0]
}

test('events say what people call the row, and those that it referred to and refers to', async () => {
  expect(await newest({ table: 'orders', id: 42 })).toMatchObject({
    label: 'order 2026-118',
    diff: { customer_id: { old: 1, new: 2, oldLabel: 'ACME', newLabel: 'Foo' } },
  })
  expect(await newest({ table: 'orders', operation: 'insert' })).toMatchObject({
    diff: {
      customer_id: { old: null, new: 1, oldLabel: null, newLabel: 'ACME' },
      seller_id: { newLabel: 'Foo' },
      total: { old: null, new: '10' },
    },
  })
  for await (const event of audit.history({ table: 'orders', id: 42, labels: true })) {
    expect(event.label).toBe('order 2026-118')
  }
  const { events } = await audit.page({ table: 'orders' })
  expect(events[0]).not.toHaveProperty('label')
  expect(events[0]?.diff.customer_id).toEqual({ old: 1, new: 2 })
})

test('a composite foreign key is labelled as a whole, also of an event that holds a part of the row', async () => {
  const event = await newest({ table: 'stock', operation: 'insert' })
  expect(event?.diff).toMatchObject({
    shelf: { newLabel: 'Left in house 7' },
    house: { newLabel: 'Left in house 7' },
  })
  expect(await newest({ table: 'stock', operation: 'update' })).toMatchObject({
    label: '5 pieces',
  })
})

test('blame says it of each foreign key, and of one column alone', async () => {
  const lines = await audit.blame('orders', 42, { labels: true })
  expect(lines.map(({ column, label }) => [column, label])).toContainEqual(['customer_id', 'Foo'])
  expect(lines.find(({ column }) => column === 'total')?.label).toBeNull()
  expect(await audit.blame('stock', 1, { column: 'shelf', labels: true })).toMatchObject([
    { column: 'shelf', value: 'b', label: 'Right in house 7' },
  ])
  expect((await audit.blame('orders', 42))[0]).not.toHaveProperty('label')
  await expect(audit.blame('orders', 42, { column: 'totl', labels: true })).rejects.toThrow('total')
})

test('a row is called by its name, also one that is gone, or has another key', async () => {
  expect(await audit.label('orders', 42)).toBe('order 2026-118')
  expect(await audit.label('shelves', { shelf: 'a', house: 7 })).toBe('Left in house 7')
  expect(await audit.label('orders', 43)).toBeNull()
  await database.query(`
    insert into customers values (10, 'Gone', 'secret'), (11, 'Moved', 'secret');
    insert into orders values (50, '50', 1, 10), (51, '51', 1, 11);
    update orders set customer_id = null where id in (50, 51);
    update customers set name = 'Gone last' where id = 10;
    delete from customers where id = 10;
    update customers set id = 12 where id = 11`)
  expect(await audit.label('customers', 10)).toBe('Gone last')
  expect(await audit.label('customers', 11)).toBe('Moved')
  expect(await newest({ table: 'orders', id: 50 })).toMatchObject({
    diff: { customer_id: { oldLabel: 'Gone last', newLabel: null } },
  })
})

test('a page asks one statement more, however many events it has', async () => {
  let statements = 0
  const counting = new Auditrum({
    query: (text: string, values?: unknown[]) => {
      statements++
      return database.query(text, values)
    },
  })
  await counting.page({ labels: true })
  expect(statements).toBe(2)
})

describe('a label', () => {
  test.for([
    ['names what is excluded', { label: 'pin', exclude: ['pin'] }],
    ['is made of what is masked', { label: `name || pin`, mask: ['pin'] }],
    ['is made of what only does not name', { label: 'pin', only: ['name'] }],
    ['could see it as a field of the row', { label: '(customers).pin', exclude: ['pin'] }],
  ] as const)('that %s is refused', async ([, options]) => {
    const its = new Auditrum(database, { tables: [track('customers', options)] })
    const refusal = {
      code: 'AUDITRUM_DECLARATION',
      message: expect.stringContaining('not recorded'),
    }
    await expect(its.sync()).rejects.toMatchObject(refusal)
    // what is a column by itself needs no database to be told
    if (options.label === 'pin') await expect(its.plan()).rejects.toMatchObject(refusal)
    expect(await audit.label('customers', 1)).toBe('ACME')
  })

  test.for([
    ['a function of the application', `public.title(customers)`, 'title(public.customers)'],
    ['a type of it', `name::public.mood`, 'type public.mood'],
    ['a table', `(select pin from public.customers where id = 1)`, 'table public.customers'],
    ['a sub-select', `(select name)`, 'a sub-select'],
    ['a function that writes or waits', `pg_sleep(0)::text`, 'pg_sleep'],
    ['a function that runs SQL', `query_to_xml('select 1', true, true, '')::text`, 'query_to_xml'],
    [
      'a function that reads tables',
      `table_to_xml(id::text::regclass, true, true, '')::text`,
      'table_to_xml',
    ],
    ['the image', `$1 ->> 'pin'`, 'the image of the row'],
  ])('that needs %s is refused', async ([, label, named]) => {
    const its = new Auditrum(database, { tables: [track('customers', { label, mask: ['pin'] })] })
    await expect(its.sync()).rejects.toMatchObject({
      code: 'AUDITRUM_DECLARATION',
      message: expect.stringMatching(/not made of its row alone/),
    })
    await expect(its.sync()).rejects.toThrow(named)
    expect(await audit.label('customers', 1)).toBe('ACME')
  })

  test('may have any function and operator of PostgreSQL', async () => {
    await database.query(
      'create table things (id int primary key, "{SUBLINK {PARAM {PARAM " text, tags text[])',
    )
    const label = `coalesce(nullif("{SUBLINK {PARAM {PARAM ", ''), upper('{SUBLINK {PARAM ')) || ' ' || array_to_string(tags[1:2], ', ')`
    await database.track('things', { label })
    await database.query(`insert into things values (1, 'a', '{b,c,d}')`)
    expect(await audit.label('things', 1)).toBe('a b, c')
  })

  test('of columns of types of the application is their text', async () => {
    await database.query(`
      create domain short as text check (length(value) < 5);
      create type pair as (a short, b mood);
      create table typed (id int primary key, m mood, s short, p pair, ms mood[]);
      alter table typed alter id type bigint`)
    await database.track('typed', { label: `concat_ws('/', m, s, p, ms)` })
    await database.query(`insert into typed values (1, 'good', 'abc', '(x,bad)', '{bad}')`)
    expect(await audit.label('typed', 1)).toBe('good/abc/{"a": "x", "b": "bad"}/["bad"]')
  })

  test('shows nothing that is excluded when another column gets its name', async () => {
    await database.query(`
      create table cards (id int primary key, name text, card text);
      insert into cards values (1, 'Bob', '4111'), (2, 'Eve', '4222')`)
    await database.track('cards', { label: `coalesce(name, 'nobody')`, exclude: ['card'] })
    await database.query(`
      update cards set name = 'Rob' where id = 1;
      alter table cards rename name to old_name; alter table cards rename card to name;
      update cards set old_name = 'Bob'`)
    expect(await audit.label('cards', 1)).toBe('Rob')
    expect(await audit.label('cards', 2)).toBeNull()
    for await (const event of audit.history({ table: 'cards', labels: true })) {
      expect(event.label ?? 'Rob').toBe('Rob')
    }
  })

  test('is of the row as the log had it last, where it has all of it', async () => {
    await database.query(`
      create table people (id int primary key, first text, last text);
      insert into people values (1, 'Ann', 'Early'), (2, 'Ben', 'Early')`)
    await database.track('people', { label: `first || ' ' || last`, image: 'changed' })
    expect(await audit.label('people', 1)).toBeNull()
    await audit.backfill('people')
    await database.query(`
      update people set last = 'Late' where id = 1;
      update people set id = 3 where id = 1;
      update people set first = 'Anna' where id = 3;
      update people set id = 1 where id = 2;
      update people set last = 'Last' where id = 1`)
    expect(await audit.label('people', 3)).toBe('Anna Late')
    expect(await audit.label('people', 2)).toBe('Ben Early')
    expect(await audit.label('people', 1)).toBe('Ben Last')
    const labels: unknown[] = []
    for await (const { operation, label } of audit.history({ table: 'people', labels: true })) {
      if (operation === 'update') labels.push(label)
    }
    expect(labels).toEqual(['Ben Last', 'Ben Early', 'Anna Late', 'Ann Late', 'Ann Late'])
  })

  test('over the whole row shows what is recorded of it', async () => {
    await database.query(`create table wholes (id int primary key, name text, pin text)`)
    await database.track('wholes', { label: 'wholes::text', exclude: ['pin'] })
    await database.query(`insert into wholes values (1, 'A', 'secret')`)
    expect(await audit.label('wholes', 1)).toBe('(1,A)')
  })

  test('runs with the rights of the owner of the log, and only for what the log holds', async () => {
    const role = await database.role()
    const reader = await role.client()
    await database.query(`select auditrum.let_read('${role.name}')`)
    const its = new Auditrum(reader)
    expect((await its.page({ table: 'orders', id: 42, labels: true })).events[0]).toMatchObject({
      label: 'order 2026-118',
      diff: { customer_id: { newLabel: 'Foo' } },
    })
    expect(await its.label('customers', 1)).toBe('ACME')
    await expect(reader.query('select * from customers')).rejects.toThrow('permission denied')
    const { rows } = await database.query(
      `select id from auditrum.audit_table where table_name = 'customers'`,
    )
    for (const call of [`label_${rows[0]?.id}('{"name": "x"}')`, `label_of(1, '{"name": "x"}')`]) {
      await expect(reader.query(`select auditrum.${call}`)).rejects.toThrow('permission denied')
    }
  })

  test('needs no right of the owner of the log on the table', async () => {
    const role = await database.role()
    await database.query(`
      create table hidden (id int primary key, name text);
      grant create on database ${database.name} to ${role.name}; grant trigger on hidden to ${role.name}`)
    const its = new Auditrum(await role.client(), {
      schema: 'its_log',
      tables: [track('hidden', { label: 'name' })],
    })
    await its.sync()
    await database.query(`insert into hidden values (1, 'Known')`)
    expect(await its.label('hidden', 1)).toBe('Known')
  })

  test('that fails is null, is a finding, and never an error of the read', async () => {
    await database.query('create table items (id int primary key, name text, n int)')
    const items = [track('items', { label: `name || 10 / n` })]
    const its = new Auditrum(database, { tables: items })
    await its.sync()
    await database.query(`insert into items values (1, 'x', 0), (2, 'x', 5)`)
    const labels = async () =>
      (await its.page({ table: 'items', labels: true })).events.map(({ label }) => label)
    expect(await labels()).toEqual(['x2', null])
    await database.query('alter table items rename name to title')
    expect(await labels()).toEqual(['x2', null])
    expect((await its.status()).findings).toContainEqual(
      expect.objectContaining({
        code: 'label_broken',
        table: 'public.items',
        message: expect.stringContaining('column "name" does not exist'),
      }),
    )
    await expect(its.sync()).rejects.toMatchObject({ code: 'AUDITRUM_DECLARATION' })
  })

  test('that was edited or dropped is found and mended; one no longer declared is dropped', async () => {
    const { rows } = await database.query(
      `select id from auditrum.audit_table where table_name = 'shelves'`,
    )
    await database.query(`drop function auditrum.label_${rows[0]?.id}`)
    expect((await audit.status()).findings).toContainEqual(
      expect.objectContaining({ code: 'function_edited', table: 'public.shelves' }),
    )
    expect((await audit.sync()).updated).toEqual(['public.shelves'])
    expect(await audit.label('shelves', ['a', 7])).toBe('Left in house 7')
    await database.track('shelves')
    expect(await audit.label('shelves', ['a', 7])).toBeNull()
    await audit.sync()
    await audit.untrack('shelves')
    expect(await audit.label('shelves', ['a', 7])).toBeNull()
    await audit.sync()
  })

  test('is a column by its name, whatever that is, and follows a table that is renamed', async () => {
    await database.query(`
      create table "Odd ""table" (live text primary key, "Full Name" text)`)
    const odd = { schema: 'public', table: 'Odd "table' }
    await database.track(odd, { label: 'Full Name' })
    await database.query(`insert into "Odd ""table" values ('k', 'Ann')`)
    expect(await audit.label(odd, 'k')).toBe('Ann')
    await database.query(`alter table "Odd ""table" rename to plain`)
    expect(await audit.label('plain', 'k')).toBe('Ann')
  })
})

test('what people call rows is SQL, too', async () => {
  const { rows } = await database.query(`
    select event.id, label.label, label.old_labels, label.new_labels
    from auditrum.history('orders', '42') as event
    cross join lateral auditrum.event_labels(array[event.id]) as label
    limit 1`)
  expect(rows).toMatchObject([
    {
      label: 'order 2026-118',
      old_labels: { customer_id: 'ACME' },
      new_labels: { customer_id: 'Foo' },
    },
  ])
  expect((await database.query(`select auditrum.label('orders', '42')`)).rows).toEqual([
    { label: 'order 2026-118' },
  ])
})

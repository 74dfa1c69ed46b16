import { expect, test } from 'vitest'
import { undoing } from './support.js'

const on = undoing()

test('rows that a foreign key deleted come back, parents first', async () => {
  const { database } = on
  await database.query(`
    create table customers (id int primary key, name text);
    create table orders (id int primary key, customer_id int not null references customers on delete cascade on update cascade);
    create table items (order_id int references orders on delete cascade, line int, note text, primary key (order_id, line));
    create table visits (id int primary key, customer_id int references customers on delete set null on update cascade);
    insert into customers values (1, 'a'), (2, 'b');
    insert into orders values (10, 1), (20, 2);
    insert into items values (10, 1, 'x'), (10, 2, 'y'), (20, 1, 'z');
    insert into visits values (5, 1)`)
  for (const name of ['items', 'visits', 'orders', 'customers']) await database.track(name)
  const state = () =>
    database.select(`
      select 'c' || c::text as row from customers as c union all select 'o' || o::text from orders as o
      union all select 'i' || i::text from items as i union all select 'v' || v::text from visits as v order by 1`)
  const before = await state()
  const removal = await database.transaction('delete from customers where id = 1')
  const after = await state()
  const undo = await database.recorded(() => database.audit.revert({ transaction: removal }))
  expect(await state()).toEqual(before)
  await database.audit.revert({ transaction: String(undo[0]?.transaction_id) })
  expect(await state()).toEqual(after)
  await database.audit.revert({ transaction: removal })

  const rekey = await database.transaction('update customers set id = 3 where id = 1')
  await database.audit.revert({ transaction: rekey })
  expect(await state()).toEqual(before)

  const moved = await database.transaction(`
    insert into customers values (4, 'd'); update orders set customer_id = 4 where id = 10; update visits set customer_id = 4;
    delete from customers where id = 1`)
  await database.audit.revert({ transaction: moved })
  expect(await state()).toEqual(before)
})

test('a row that others refer to is a conflict, unless they go, too', async () => {
  const { database } = on
  await database.query(`
    create table teams (id int primary key);
    create table people (id int primary key, team int references teams on delete cascade)`)
  for (const name of ['teams', 'people']) await database.track(name)
  const transaction = await database.transaction(
    'insert into teams values (1), (2); insert into people values (1, 1), (2, 2)',
  )
  await database.query('insert into people values (3, 1)')
  await expect(database.audit.revert({ transaction })).rejects.toMatchObject({
    code: 'AUDITRUM_CONFLICT',
    conflicts: [{ table: 'teams', objectId: '1', column: null, referrer: 'public.people (team)' }],
  })
  expect(await database.select('select id from people order by id')).toHaveLength(3)
  const { steps } = await database.audit.revert({ transaction }, { onConflict: 'skip' })
  expect(
    steps
      .filter(({ outcome }) => outcome === 'skipped')
      .map(({ table, objectId }) => [table, objectId]),
  ).toEqual([['teams', '1']])
  expect(await database.select('select id from people')).toEqual([{ id: 3 }])
  await database.audit.revert({ transaction }, { onConflict: 'force' })
  expect(await database.select('select id from people')).toEqual([])
})

test('rows that refer to each other come back, also in a circle', async () => {
  const { database } = on
  await database.query(`
    create table folders (id int primary key, parent int references folders);
    create table heads (id int primary key, body int not null);
    create table bodies (id int primary key, head int not null references heads);
    insert into folders values (1, null), (2, 1), (3, 2);
    insert into heads values (1, 1); insert into bodies values (1, 1);
    alter table heads add foreign key (body) references bodies`)
  for (const name of ['folders', 'heads', 'bodies']) await database.track(name)
  const transaction = await database.transaction(`
    delete from folders;
    with h as (delete from heads) delete from bodies`)
  const undo = await database.recorded(() => database.audit.revert({ transaction }))
  expect(await database.select('select * from folders order by id')).toEqual([
    { id: 1, parent: null },
    { id: 2, parent: 1 },
    { id: 3, parent: 2 },
  ])
  expect(await database.select('select * from heads, bodies')).toHaveLength(1)
  const { sql } = await database.audit.revert(
    { transaction: String(undo[0]?.transaction_id) },
    { dryRun: true },
  )
  await (await database.client()).query(sql)
  expect(await database.select('select * from heads')).toEqual([])
  expect(await database.select('select * from folders')).toEqual([])
})

test('unique values that moved from row to row move back', async () => {
  const { database } = on
  await database.tracked(
    'places',
    `create table places (id int primary key, seat int unique); insert into places values (1, 1), (2, 2), (3, 3)`,
  )
  const before = await database.select('select * from places order by id')
  const transaction = await database.transaction(`
    delete from places where id = 1;
    update places set seat = 1 where id = 2;
    update places set seat = 2 where id = 3;
    insert into places values (4, 3)`)
  await database.audit.revert({ transaction })
  expect(await database.select('select * from places order by id')).toEqual(before)
})

test('what no longer fits the others is refused, and nothing is written', async () => {
  const { database } = on
  await database.query(`
    create table owners (id int primary key, email text unique);
    create table pets (id int primary key, owner int references owners deferrable initially deferred);
    insert into owners values (1, 'a'), (2, 'b'); insert into pets values (1, 1)`)
  for (const name of ['owners', 'pets']) await database.track(name)
  const pet = await database.event('delete from pets')
  const owner = await database.event('delete from owners where id = 1')
  await expect(database.audit.revert({ event: pet.id })).rejects.toMatchObject({
    code: 'AUDITRUM_CONFLICT',
    message: expect.stringMatching(
      /Nothing was undone, because the rows would not fit the others: .*pets_owner_fkey/,
    ),
  })
  expect(await database.select('select * from pets')).toEqual([])
  await database.query(`update owners set email = 'a' where id = 2`)
  await expect(database.audit.revert({ event: owner.id })).rejects.toMatchObject({
    code: 'AUDITRUM_CONFLICT',
    message: expect.stringContaining('owners_email_key'),
  })
})

test('rows of a table that refers to itself get their keys and their references back at once', async () => {
  const { database } = on
  await database.tracked(
    'staff',
    `create table staff (id int primary key, boss int references staff on update cascade);
    insert into staff values (1, null), (2, 1), (3, 2)`,
  )
  const before = await database.select('select * from staff order by id')
  const transaction = await database.transaction(
    'update staff set id = 10 where id = 1; update staff set id = 20 where id = 2; delete from staff where id = 3',
  )
  await database.audit.revert({ transaction })
  expect(await database.select('select * from staff order by id')).toEqual(before)
})

import { describe, expect, test } from 'vitest'
import { Auditrum, track } from '../../src/index.js'
import { auditedDatabase } from '../support.js'

const database = await auditedDatabase()
const { query, tracked, recorded, event } = database

describe('a partitioned table', async () => {
  await tracked(
    'sales',
    `create table sales (note text, id integer, region text, year integer, primary key (region, year, id))
       partition by list (region);
     create table sales_north partition of sales for values in ('north');
     create table sales_south partition of sales for values in ('south') partition by range (year);
     create table sales_south_old partition of sales_south for values from (2000) to (2020);
     create table sales_south_new partition of sales_south for values from (2020) to (2040)`,
  )
  const row = { region: 'south', year: 2026, id: 1, note: 'a' }

  test.each(['sales', 'sales_south', 'sales_south_new'])(
    'is recorded under its own name when written through %s',
    async (relation) => {
      await query('truncate sales')
      const events = await recorded(
        `insert into ${relation} (region, year, id, note) values ('south', 2026, 1, 'a');
         update ${relation} set note = 'b' where id = 1;
         delete from ${relation} where id = 1`,
      )
      const object_id = '["south", 2026, 1]'
      expect(events).toMatchObject([
        { operation: 'insert', table_name: 'sales', object_id, new_data: row },
        { operation: 'update', table_name: 'sales', object_id, old_data: row },
        { operation: 'delete', table_name: 'sales', object_id, old_data: { ...row, note: 'b' } },
      ])
    },
  )

  test('a row that moves to another partition is a delete and an insert in one transaction', async () => {
    await query("insert into sales values ('x', 2, 'north', 2026)")
    const events = await recorded("update sales set region = 'south', note = 'y' where id = 2")
    expect(events).toMatchObject([
      { operation: 'delete', object_id: '["north", 2026, 2]', old_data: { note: 'x' } },
      { operation: 'insert', object_id: '["south", 2026, 2]', new_data: { note: 'y' } },
    ])
    expect(events[0]?.transaction_id).toBe(events[1]?.transaction_id)
  })

  test('partitions that are attached or created later are recorded', async () => {
    await query(
      `create table sales_east partition of sales for values in ('east');
       create table sales_west (id integer not null, year integer not null, region text not null, note text);
       insert into sales_west values (1, 2026, 'west', 'before it was attached');
       alter table sales attach partition sales_west for values in ('west')`,
    )
    const events = await recorded(
      `insert into sales values ('through', 5, 'east', 2026);
       insert into sales_west values (5, 2026, 'west', 'straight');
       update sales set note = 'seen' where region = 'west' and id = 1`,
    )
    expect(events).toMatchObject([
      { operation: 'insert', table_name: 'sales', object_id: '["east", 2026, 5]' },
      { operation: 'insert', table_name: 'sales', object_id: '["west", 2026, 5]' },
      {
        operation: 'update',
        table_name: 'sales',
        object_id: '["west", 2026, 1]',
        diff: { note: { old: 'before it was attached', new: 'seen' } },
      },
    ])
  })

  test('partitions with their columns in another order are recorded by name', async () => {
    const { new_data } = await event("insert into sales values ('n', 6, 'west', 2027)")
    expect(new_data).toEqual({ region: 'west', year: 2027, id: 6, note: 'n' })
  })

  test('a temporary table called like a catalogue diverts nothing', async () => {
    const client = await database.client()
    await client.query('create temp table pg_inherits (inhrelid oid)')
    const truncated = await event(() => client.query('truncate sales_north'))
    expect(truncated.meta).toEqual({ relation: 'public.sales_north' })
  })

  test('a detached partition is recorded no longer', async () => {
    await query('alter table sales detach partition sales_east')
    expect(await recorded("insert into sales_east values ('n', 7, 'east', 2027)")).toEqual([])
  })
})

describe('a table that others inherit from', async () => {
  await tracked(
    'people',
    `create table people (id integer primary key, name text);
     create table staff (salary integer, primary key (id)) inherits (people);
     create table guests (primary key (id)) inherits (people)`,
  )

  test('is recorded with the rows of its children', async () => {
    const events = await recorded(
      `insert into people values (1, 'Ada'); insert into guests values (2, 'Bob');
       update people set name = upper(name)`,
    )
    expect(events).toMatchObject([
      { operation: 'insert', table_name: 'people', object_id: '1' },
      { operation: 'insert', table_name: 'people', object_id: '2' },
      { operation: 'update', object_id: '1', diff: { name: { old: 'Ada', new: 'ADA' } } },
      { operation: 'update', object_id: '2', diff: { name: { old: 'Bob', new: 'BOB' } } },
    ])
  })

  test('is recorded with the columns that a child adds', async () => {
    const events = await recorded(
      `insert into staff values (3, 'Cy', 100); update staff set salary = 200;
       update people set name = 'Cyd' where id = 3; delete from staff`,
    )
    expect(events).toMatchObject([
      { operation: 'insert', object_id: '3', new_data: { id: 3, name: 'Cy', salary: 100 } },
      { operation: 'update', object_id: '3', diff: { salary: { old: 100, new: 200 } } },
      { operation: 'update', old_data: { salary: 200 }, diff: { name: { old: 'Cy', new: 'Cyd' } } },
      { operation: 'delete', object_id: '3', old_data: { id: 3, name: 'Cyd', salary: 200 } },
    ])
  })

  test('says which child was emptied', async () => {
    const events = await recorded('truncate only guests')
    expect(events).toMatchObject([
      { operation: 'truncate', table_name: 'people', meta: { relation: 'public.guests' } },
    ])
  })
})

describe('a table that leaves its parent', async () => {
  const own = await auditedDatabase()
  await own.tracked(
    'vaults',
    `create table vaults (id integer primary key, secret text) partition by range (id);
     create table vaults_old partition of vaults for values from (0) to (100);
     create table vaults_new partition of vaults for values from (100) to (200)`,
    { exclude: ['secret'] },
  )
  await own.tracked(
    'bases',
    'create table bases (id integer primary key, secret text); create table children () inherits (bases)',
    { exclude: ['secret'] },
  )

  test('is recorded as itself once it is tracked, and its parent goes on as declared', async () => {
    await own.query('alter table vaults detach partition vaults_old')
    await own.track('vaults_old')
    await own.query('alter table children no inherit bases')
    await own.track('children')
    for (const [parent, child] of [
      ['vaults', 'vaults_old'],
      ['bases', 'children'],
    ]) {
      const events = await own.recorded(
        `insert into ${parent} values (150, 'hidden'); insert into ${child} values (50, 'shown')`,
      )
      expect(events).toMatchObject([
        { table_name: parent, new_data: { id: 150 } },
        { table_name: child, new_data: { id: 50, secret: 'shown' } },
      ])
      expect(events[0]?.new_data).not.toHaveProperty('secret')
    }
  })

  test('is not recorded under the name of its former parent after the next sync', async () => {
    await own.query('create table strays () inherits (bases)')
    const audit = new Auditrum(own, { tables: [track('bases', { exclude: ['secret'] })] })
    await audit.sync()
    await own.query('alter table strays no inherit bases')
    expect((await audit.status()).findings).toContainEqual(
      expect.objectContaining({ code: 'trigger_stray', table: 'public.bases' }),
    )
    await audit.sync()
    expect(await own.recorded('insert into strays values (1)')).toEqual([])
    expect(await audit.sync()).toMatchObject({ updated: [], installed: [] })
  })
})

describe('a child that is tracked itself', async () => {
  const own = await auditedDatabase()
  await own.query(`
    create table things (id integer primary key, secret text);
    create table special (primary key (id)) inherits (things);
    create table other (id integer primary key);
    create table both_of () inherits (things, other)`)
  const audit = new Auditrum(own, {
    tables: [track('things', { exclude: ['secret'] }), track('special'), track('other')],
  })

  test('is recorded as declared, and so is its parent; nobody takes it from the other', async () => {
    await audit.sync()
    const again = await audit.sync()
    expect(again).toMatchObject({ installed: [], updated: [] })
    const events = await own.recorded(
      `insert into things values (1, 'hidden'); insert into special values (2, 'shown'); insert into both_of values (3)`,
    )
    expect(events).toMatchObject([
      { table_name: 'things', new_data: { id: 1 } },
      { table_name: 'special', new_data: { id: 2, secret: 'shown' } },
      { new_data: { id: 3 } },
    ])
    expect(events[0]?.new_data).not.toHaveProperty('secret')
    expect((await audit.status()).ok).toBe(true)
  })
})

test('the owner of a tracked partitioned table can make and attach partitions', async () => {
  const role = await database.role()
  await database.query(`
    create table rolls (id integer primary key) partition by range (id);
    alter table rolls owner to ${role.name};
    grant create on schema public to ${role.name}`)
  await database.track('rolls')
  const owner = await role.client()
  await owner.query(`
    create table rolls_1 partition of rolls for values from (0) to (10);
    create table rolls_2 (id integer primary key);
    alter table rolls attach partition rolls_2 for values from (10) to (20)`)
  expect(
    await database.recorded(() => owner.query('insert into rolls values (1), (11)')),
  ).toHaveLength(2)
  await expect(
    owner.query(
      'create table forged (id int); create trigger t after insert on forged for each row execute function auditrum.capture_1()',
    ),
  ).rejects.toMatchObject({ code: '42501' })
})

import { describe, expect, test } from 'vitest'
import { auditedDatabase } from '../support.js'

const database = await auditedDatabase()
const { query, tracked, recorded, event } = database

describe('a column that came since the last sync', async () => {
  await tracked(
    'grown',
    'create table grown (id integer primary key, name text, secret text, seen integer)',
    { exclude: ['secret'], ignore: ['seen'] },
  )
  await query(`insert into grown values (1, 'a', 's', 1)`)
  await query(`alter table grown add extra text default 'x'`)

  test('is recorded', async () => {
    expect(await event(`update grown set extra = 'y'`)).toMatchObject({
      diff: { extra: { old: 'x', new: 'y' } },
      drift: null,
    })
  })

  test('makes no event of a change of an excluded or ignored column alone', async () => {
    expect(await recorded(`update grown set secret = 't'`)).toEqual([])
    expect(await recorded('update grown set seen = 2')).toEqual([])
  })

  test('is not among what another change replaced', async () => {
    const { id } = await event(`update grown set name = 'b'`)
    const { rows } = await query('select old from auditrum.audit_event where id = $1', [id])
    expect(rows).toEqual([{ old: { name: 'a' } }])
  })
})

describe('after a rename', () => {
  test('of a meta column the event is written in full, and says that its meta is missing', async () => {
    await tracked('rented', 'create table rented (id integer primary key, tenant integer)', {
      meta: ['tenant'],
    })
    await query('alter table rented rename tenant to lessee')
    expect(await event('insert into rented values (1, 7)')).toMatchObject({
      image: 'full',
      new_data: { id: 1, lessee: 7 },
      meta: { tenant: null },
      drift: ['tenant'],
    })
  })

  test('of an excluded column without a primary key, the event holds names alone', async () => {
    await tracked('loose', 'create table loose (note text, secret text)', { exclude: ['secret'] })
    await query('alter table loose rename secret to hidden')
    const events = await recorded(
      `insert into loose values ('n', 's'); update loose set hidden = 't'; delete from loose`,
    )
    expect(events).toMatchObject([
      { operation: 'insert', image: 'key', object_id: null, masked: ['note', 'hidden'] },
      { operation: 'update', image: 'key', object_id: null, masked: ['hidden'] },
      { operation: 'delete', image: 'key', object_id: null, masked: ['note', 'hidden'] },
    ])
    expect(events.every(({ old_data, new_data }) => old_data === null && new_data === null)).toBe(
      true,
    )
  })

  test('of an excluded column the partitions fail closed, too', async () => {
    await tracked(
      'split',
      `create table split (id integer, day integer, secret text, primary key (day, id)) partition by list (day);
       create table split_1 partition of split for values in (1)`,
      { exclude: ['secret'] },
    )
    await query('alter table split rename secret to hidden')
    const { new_data, ...rest } = await event(`insert into split_1 values (7, 1, 's')`)
    expect(rest).toMatchObject({ image: 'key', object_id: '[1, 7]', drift: ['secret'] })
    expect(new_data).toEqual({ day: 1, id: 7 })
  })

  test('a child without a primary key of its own is still identified by that of its parent', async () => {
    await tracked(
      'parent',
      `create table parent (id integer primary key, seen integer);
       create table child (more integer) inherits (parent)`,
      { ignore: ['seen'] },
    )
    await query('alter table parent rename seen to seen_at')
    expect(await event('insert into child values (1, 2, 3)')).toMatchObject({
      object_id: '1',
      new_data: { id: 1, seen_at: 2, more: 3 },
      drift: ['seen'],
    })
  })
})

test('when may ask another table whose columns are called like anything', async () => {
  await tracked(
    'asked',
    `create table flags (before integer, payload integer, remembered integer);
     insert into flags values (1, 1, 1);
     create table asked (id integer primary key)`,
    {
      when: {
        insert:
          'EXISTS (SELECT FROM public.flags WHERE before = NEW.id AND payload = 1 AND remembered = 1)',
      },
    },
  )
  expect(await event('insert into asked values (1)')).toMatchObject({ drift: null })
  expect(await recorded('insert into asked values (2)')).toEqual([])
})

test('a trigger that sorts before ours and changes the row again has its change logged first', async () => {
  await tracked('early', 'create table early (id integer primary key, n integer)')
  await query(`
    create function bump() returns trigger language plpgsql as $$
      begin update early set n = 2 where id = new.id and n = 1; return null; end $$;
    create trigger "000_bump" after insert on early for each row execute function bump()`)
  // why ours is called 00_auditrum, and status names what sorts before it
  expect(await recorded('insert into early values (1, 1)')).toMatchObject([
    { operation: 'update', new_data: { n: 2 } },
    { operation: 'insert', new_data: { n: 1 } },
  ])
})

test('what must not be stored is not stored as a new key either', async () => {
  const own = await auditedDatabase()
  await own.tracked(
    'safes',
    'create table safes (id integer primary key, secret text not null, other text)',
    { exclude: ['secret', 'other'] },
  )
  await own.query(`
    alter table safes drop constraint safes_pkey, add primary key (id, secret);
    alter table safes rename other to another`)
  const logged = await own.event(`insert into safes values (1, 'hidden-bytes', 'x')`)
  expect(logged).toMatchObject({ object_id: '1', image: 'key', drift: ['other'] })
  expect(JSON.stringify(logged)).not.toContain('hidden-bytes')
})

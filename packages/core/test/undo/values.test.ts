import { expect, test } from 'vitest'
import { undoing } from './support.js'

const on = undoing()

test.for(['full', 'changed'] as const)(
  'values of all kinds come back exactly, image %s',
  async (image) => {
    const { database } = on
    const name = `kinds_${image}`
    await database.query(`
    create schema types_${image};
    create type types_${image}.mood as enum ('sad', 'happy');
    create type types_${image}.point3 as (x float8, y numeric, label text);
    create domain types_${image}.percent as numeric(5, 2) not null check (value between 0 and 100)`)
    await database.tracked(
      name,
      `create table ${name} (
      id bigint generated always as identity primary key, n numeric, f float8, r real, doc jsonb, list int[], grid text[][], raw bytea,
      mood types_${image}.mood, moods types_${image}.mood[], place types_${image}.point3, share types_${image}.percent default 1, span tstzrange,
      spans int4multirange, at timestamptz, day date, pause interval, price money, net inet, code char(5), bits bit(4), key uuid, found tsvector,
      size bigint, double bigint generated always as (size * 2) stored
    );
    insert into ${name} (n, f, r, doc, list, grid, raw, mood, moods, place, share, span, spans, at, day, pause, price, net, code, bits, key, found, size)
    values (
      1.10, 0.1, 0.1, '{"a": [1.0, null, "x\\\\u00e9"], "n": 12345678901234567890.10}', '{1,null,3}', '{{a,"b,c"},{"\\"",NULL}}', '\\x00ff',
      'sad', '{happy,sad}', '(0.1,1.10,"a ""quoted"", one")', 12.50, '[2026-01-01 00:00:00.000001+00,)', '{[1,3),[5,7)}',
      '2026-11-01 12:00:00.123456+01', '2026-02-28', '1 year -2 days 03:04:05.000006', 12.34, '10.0.0.0/8', 'ab', B'0101',
      '00000000-0000-0000-0000-00000000000a', 'fat cat', 9007199254740993
    ), (
      'NaN', 'Infinity', '-Infinity', 'null', '{}', '{}', '', null, '{}', null, 0, 'empty', '{}', 'infinity', '-infinity', '0', -1, '::1', '', B'0000', null, '', -4611686018427387904
    )`,
      { image },
    )
    const text = `select to_jsonb(${name}) as row, ${name}::text as text from ${name} order by id`
    const before = await database.select(text)
    const transaction = await database.transaction(`
    update ${name} set n = 1.1, f = 0.30000000000000004, r = 3, doc = '{}', list = null, grid = null, raw = null, mood = 'happy', moods = null,
      place = '(1,2,z)', share = 99, span = null, spans = null, at = now(), day = now(), pause = '1 day', price = 0, net = null, code = 'x',
      bits = B'1111', key = gen_random_uuid(), found = null, size = 1;
    delete from ${name}`)
    const undo = await database.recorded(() => database.audit.revert({ transaction }))
    // SQL NULL and JSON null are one in the log
    expect(await database.select(text)).toEqual(
      before.map((row) => ({ ...row, text: expect.any(String) })),
    )
    expect((await database.select(text))[0]).toEqual(before[0])

    await database.audit.revert({ transaction: String(undo[0]?.transaction_id) })
    const updated = await database.transaction(
      `insert into ${name} (size) values (3); update ${name} set size = 4, n = 3.0, doc = '[1.0]'`,
    )
    await database.audit.revert({ transaction: updated })
    expect(await database.select(`select count(*)::int as rows from ${name}`)).toEqual([
      { rows: 0 },
    ])
  },
)

test('values come back whatever the session has set, also by the script', async () => {
  const { database } = on
  await database.tracked(
    'settings',
    `create table settings (id int primary key, list text[], page xml);
    insert into settings values (1, '{a,NULL,"NULL",""}', 'text<a/>')`,
  )
  const text = 'select settings::text as row from settings'
  const before = await database.select(text)
  const event = await database.event('delete from settings')
  const client = await database.client()
  await client.query('set array_nulls = off; set xmloption = document')
  const audit = database.audit.on(client)
  const { sql } = await audit.revert({ event: event.id }, { dryRun: true })
  await audit.revert({ event: event.id })
  expect(await database.select(text)).toEqual(before)
  await database.query('delete from settings')
  await client.query(sql)
  expect(await database.select(text)).toEqual(before)
})

test('a table that was altered since: renamed, retyped, dropped, added', async () => {
  const { database } = on
  await database.tracked(
    'altered',
    `create table altered (id int primary key, name text, size int, gone text, mood text);
    insert into altered values (1, 'a', 5, 'x', 'fine'), (2, 'b', 6, 'y', 'fine')`,
  )
  const update = await database.transaction(
    `update altered set name = 'A', size = 50, gone = 'X', mood = 'well' where id = 1`,
  )
  const removal = await database.transaction('delete from altered where id = 2')
  await database.query(`
    alter table altered rename name to title;
    alter table altered alter size type text;
    alter table altered drop gone;
    alter table altered alter mood type int using 7;
    alter table altered add extra int not null default 9;
    alter table altered rename to reshaped`)
  await database.track('reshaped')
  const { omitted } = await database.audit.revert({ transaction: update })
  await database.audit.revert({ transaction: removal })
  expect(await database.select('select * from reshaped order by id')).toEqual([
    { id: 1, title: 'a', size: '5', mood: 7, extra: 9 },
    { id: 2, title: 'b', size: '6', mood: null, extra: 9 },
  ])
  expect(omitted.map(({ why, columns }) => [why, columns])).toEqual([
    ['dropped', ['gone']],
    ['unreadable', ['mood']],
  ])
})

test('what is excluded, masked, ignored or left out is said, and never overwritten', async () => {
  const { database } = on
  await database.tracked(
    'secrets',
    `create table secrets (id int primary key, name text, card text, iban text, seen int);
    insert into secrets values (1, 'a', 'card', 'iban', 1), (2, 'b', 'card', 'iban', 1)`,
    { exclude: ['card'], mask: ['iban'], ignore: ['seen'] },
  )
  const update = await database.event(
    `update secrets set name = 'A', card = 'new', iban = 'new', seen = 2 where id = 1`,
  )
  await database.query('update secrets set seen = 3 where id = 1')
  const changed = await database.audit.revert({ event: update.id })
  expect(changed.omitted.map(({ eventId, why, columns }) => [eventId, why, columns])).toEqual([
    [update.id, 'masked', ['iban']],
    [update.id, 'ignored', ['seen']],
    [null, 'unrecorded', ['card', 'iban']],
  ])
  const removal = await database.event('delete from secrets where id = 2')
  await database.audit.revert({ event: removal.id })
  expect(await database.select('select * from secrets order by id')).toEqual([
    { id: 1, name: 'a', card: 'new', iban: 'new', seen: 3 },
    { id: 2, name: 'b', card: null, iban: null, seen: 1 },
  ])

  await database.query('update secrets set iban = 0; alter table secrets alter iban set not null')
  const second = await database.event('delete from secrets where id = 2')
  await expect(database.audit.revert({ event: second.id })).rejects.toMatchObject({
    code: 'AUDITRUM_CONFLICT',
    message: expect.stringContaining(
      'public.secrets 2: it must have a value of iban, which the log does not hold',
    ),
  })
})

test('a column that changed in a way that JSON cannot tell is said', async () => {
  const { database } = on
  await database.tracked(
    'lossy',
    `create table lossy (id int primary key, doc jsonb); insert into lossy values (1, null)`,
  )
  const event = await database.event(`update lossy set doc = 'null'`)
  const { steps, omitted } = await database.audit.revert({ event: event.id })
  expect(steps.map(({ outcome }) => outcome)).toEqual(['unchanged'])
  expect(omitted.map(({ why }) => why)).toEqual(['lossy'])
})

test('what a condition leaves out is said', async () => {
  const { database } = on
  await database.tracked('chosen', 'create table chosen (id int primary key, v int)', {
    when: { insert: 'NEW.v > 0' },
  })
  const transaction = await database.transaction('insert into chosen values (1, 0), (2, 1)')
  const { omitted } = await database.audit.revert({ transaction })
  expect(await database.select('select * from chosen')).toEqual([{ id: 1, v: 0 }])
  expect(omitted).toMatchObject([{ eventId: null, why: 'filtered', columns: [] }])
})

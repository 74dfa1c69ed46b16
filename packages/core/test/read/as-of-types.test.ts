import { beforeAll, describe, expect, test } from 'vitest'
import { Auditrum } from '../../src/index.js'
import { type AuditedDatabase, auditedDatabase } from '../support.js'

/** A type, and values of it as SQL. */
const types: readonly (readonly [string, ...string[]])[] = [
  ['smallint', '-32768'],
  ['bigint', '9223372036854775807'],
  [
    'numeric',
    `'NaN'`,
    `'-Infinity'`,
    '1.10',
    '0.00',
    `('1' || repeat('0', 300) || '.' || repeat('7', 200))::numeric`,
  ],
  ['numeric(10,2)', '1.10'],
  ['real', `'NaN'`, `'Infinity'`, '0.1', '1e-38', '3.4028235e38'],
  ['double precision', `'-Infinity'`, '0.1 + 0.2::double precision', '5e-324'],
  ['money', `'-12.34'::numeric::money`],
  ['text', `''`, `'''"\\'`, `E'\\x01\\u2028\\U0001F600'`],
  ['varchar(5)', `'abc'`],
  ['char(5)', `'a'`],
  ['"char"', `'x'`],
  ['bytea', `'\\x00ff10'`, `''`],
  ['boolean', 'true', 'false'],
  ['uuid', `'0D9AD5E2-6F57-4C2E-9F60-3B7B9EE59A10'`],
  ['date', `'infinity'`, `'0044-03-15 BC'::date`, `'2026-10-25'`],
  ['time', `'24:00:00'`, `'12:34:56.789012'`],
  ['timetz', `'12:34:56.789012+05:45'`],
  ['timestamp', `'-infinity'`, `'2026-10-25 02:30:00.123456'`],
  ['timestamptz', `'infinity'`, `'2026-10-25 02:30:00.123456+02'`],
  ['interval', `'-1 year -2 mons +3 days -04:05:06.789'`],
  ['inet', `'10.0.0.1/8'`],
  ['macaddr', `'08:00:2b:01:02:03'`],
  ['bit', `B'1'`],
  ['bit(3)', `B'101'`],
  ['bit varying', `B'10101'`],
  ['xml', `'<a b="c">&lt;</a>'`],
  ['json', `'{"b": 1, "a": [1.10, null]}'`, `'null'`],
  ['jsonb', `'{"a": [1.10, null, "x"], "b": {}}'`, `'null'`, `'"text"'`],
  ['point', `'(0.1,1e-300)'`],
  ['int4range', `'[1,5)'`, `'empty'`],
  ['tstzrange', `'[2026-01-01 00:00+01,)'`],
  ['int8multirange', `'{[1,3),[9223372036854775800,)}'`],
  ['text[]', `'{}'`, `array['a', null, '"b",{}']`, `array[['a','b'],['c','d']]`],
  ['int[]', `'[5:6]={1,2}'`, 'null'],
  ['timestamptz[]', `array['2026-10-25 02:30:00.123456+02'::timestamptz]`],
  ['bytea[]', `array['\\x00ff'::bytea]`],
  ['jsonb[]', `array['{"a": 1}'::jsonb, 'null']`],
  ['char(3)[]', `array['a']`],
  ['mood', `'so so'`],
  ['mood[]', `array['so so', 'sad']::mood[]`],
  ['address', `row('a "street"', 12, '2026-01-01')`],
  ['address[]', `array[row('a', 1, null)::address]`],
  ['cents', '5'],
  ['code', `'ab'`],
  ['tags', `array['x']`],
]

const columns = types.flatMap(([type, ...values], index) =>
  values.map((value, place) => ({ name: `c${index}_${place}`, type, value })),
)

describe.for(['full', 'changed'] as const)('a row of every type (image %s)', (image) => {
  let database: AuditedDatabase
  let audit: Auditrum
  let at: string
  let row: Record<string, unknown> | undefined
  beforeAll(async () => {
    database = await auditedDatabase()
    audit = new Auditrum(database)
    await database.tracked(
      'everything',
      `create type mood as enum ('sad', 'so so');
      create type address as (street text, number int, since date);
      create domain cents as numeric(12,2) check (value >= 0);
      create domain code as char(4);
      create domain tags as text[];
      create table everything (
        id int primary key, note text,
        doubled int generated always as (id * 2) stored,
        ${columns.map(({ name, type }) => `${name} ${type}`).join(', ')}
      )`,
      { image },
    )
    await database.query(
      `insert into everything values (1, 'live', default, ${columns.map(({ value }) => value).join(', ')});
      insert into everything values (2, 'to be changed', default, ${columns.map(({ value }) => value).join(', ')});
      insert into everything values (3, 'to be deleted', default, ${columns.map(({ value }) => value).join(', ')});
      insert into everything (id) values (4)`,
    )
    at = String((await database.events()).at(-1)?.id)
    row = (await database.query('select * from everything where id = 1')).rows[0]
  })

  test('is, for now, what the driver gives for it', async () => {
    expect(await audit.rowAsOf('everything', 1, new Date())).toEqual(row)
    const rows: unknown[] = []
    for await (const each of audit.tableAsOf('everything', { event: at })) rows.push(each)
    expect(rows).toEqual((await database.query('select * from everything order by id')).rows)
  })

  test('is so, too, when it was changed and deleted since', async () => {
    await database.query(
      `update everything set note = 'changed', ${columns.map(({ name }) => `${name} = null`).join(', ')} where id = 2;
      delete from everything where id = 3; update everything set note = 'x' where id = 4`,
    )
    const before = { event: at }
    expect(await audit.rowAsOf('everything', 2, before)).toEqual({
      ...row,
      id: 2,
      note: 'to be changed',
      doubled: 4,
    })
    expect(await audit.rowAsOf('everything', 3, before)).toEqual({
      ...row,
      id: 3,
      note: 'to be deleted',
      doubled: 6,
    })
    const text = `select note, everything from auditrum.as_of(null::everything, event => ${at}) as everything order by id`
    const { rows } = await database.query(text)
    expect(rows.map(({ note }) => note)).toEqual(['live', 'to be changed', 'to be deleted', null])
  })

  test('is read, whatever the settings of the session', async () => {
    const client = await database.client()
    await client.query(
      `set timezone = 'Asia/Kathmandu'; set intervalstyle = sql_standard; set bytea_output = escape; set extra_float_digits = 0`,
    )
    const differing = new Auditrum(client)
    const { rows } = await client.query('select * from everything where id = 1')
    expect(await differing.rowAsOf('everything', 1, { event: at })).toEqual(rows[0])
    expect(await differing.rowAsOf('everything', 3, { event: at })).toEqual({
      ...rows[0],
      id: 3,
      note: 'to be deleted',
      doubled: 6,
    })
  })

  test('is without the values that its types have no more', async () => {
    await database.query(
      `alter type mood rename value 'so so' to 'fine'; alter domain cents add check (value > 100) not valid`,
    )
    const moods = columns.filter(({ type }) => type.startsWith('mood')).map(({ name }) => name)
    const {
      row: deleted,
      approximate,
      complete,
    } = await audit.rowAsOf('everything', 3, { event: at }, { details: true })
    for (const name of moods) expect(deleted).not.toHaveProperty(name)
    expect(approximate).toEqual(moods)
    expect(complete).toBe(false)
    expect(deleted).toMatchObject({
      note: 'to be deleted',
      [columns.find(({ type }) => type === 'cents')?.name as string]: '5.00',
    })
    const { rows } = await database.query(
      `select * from auditrum.row_as_of(null::everything, 3, event => ${at})`,
    )
    expect(rows[0]).toMatchObject({ note: 'to be deleted', [moods[0] as string]: null })
  })
})

test('virtual generated columns are not recorded, and are said to be so', async ({ skip }) => {
  const database = await auditedDatabase()
  if (Number(database.server.version) < 18) return skip()
  await database.tracked(
    'v',
    'create table v (id int primary key, a int, b int generated always as (a * 2) virtual)',
  )
  await database.query('insert into v (id, a) values (1, 1), (2, 2)')
  const audit = new Auditrum(database)
  const at = { event: String((await database.events()).at(-1)?.id) }
  await database.query('update v set a = 10 where id = 1')
  expect(await audit.rowAsOf('v', 2, at, { details: true })).toMatchObject({
    row: { id: 2, a: 2, b: 4 },
    approximate: ['b'],
  })
  expect(await audit.rowAsOf('v', 1, at)).toEqual({ id: 1, a: 1 })
})

test('what a session reads as XML and as null in arrays changes nothing of the past', async () => {
  const database = await auditedDatabase()
  await database.tracked(
    'documents',
    'create table documents (id int primary key, x xml, a text[])',
  )
  await database.query(`
    insert into documents values (1, 'one <b/>', '{a,NULL}');
    update documents set x = 'two', a = '{b}'`)
  const [first] = await database.events('documents')
  const client = await database.client()
  await client.query('set xmloption = document; set array_nulls = off')
  const audit = new Auditrum(client)
  const at = { event: String(first?.id) }
  const then = { id: 1, x: 'one <b/>', a: ['a', null] }
  expect(await audit.rowAsOf('documents', 1, at)).toEqual(then)
  const rows: unknown[] = []
  for await (const row of audit.tableAsOf('documents', at)) rows.push(row)
  expect(rows).toEqual([then])
})

test('a key that is an array finds its row', async () => {
  const database = await auditedDatabase()
  await database.tracked('arrays', 'create table arrays (id int[] primary key, a int)')
  await database.query(`insert into arrays values ('{1,2}', 1)`)
  const later = new Date(Date.now() + 1000)
  const row = await new Auditrum(database).rowAsOf('arrays', '[1, 2]', later)
  expect(row).toEqual({ id: [1, 2], a: 1 })
})

test('the name of an object that is gone is missing, and no error', async () => {
  const database = await auditedDatabase()
  await database.tracked('notes', 'create table notes (id int primary key, about regclass)')
  await database.query(`create table other (); insert into notes values (1, 'other')`)
  const { rows } = await database.query('select clock_timestamp()::text as time')
  const before = String(rows[0]?.time)
  await database.query('update notes set about = null; drop table other')
  const audit = new Auditrum(database)
  for (const time of ['first', 'second'])
    expect(
      await audit.rowAsOf('notes', 1, before, { details: true }),
      `the ${time} time`,
    ).toMatchObject({ row: { id: 1 }, complete: false, approximate: ['about'] })
  for await (const row of audit.tableAsOf('notes', before)) expect(row).toEqual({ id: 1 })
})

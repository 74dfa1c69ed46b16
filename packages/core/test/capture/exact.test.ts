import { describe, expect, test } from 'vitest'
import { auditedDatabase } from '../support.js'

const database = await auditedDatabase()
const { query, tracked, recorded, event } = database

await query(`
  create domain price as numeric;
  create domain document as jsonb;
  create type measure as (amount numeric, unit text)`)

/** Types in which two values can be equal as jsonb, and differ. */
const scaled = [
  ['numeric', '1.0', '1.00'],
  ['jsonb', `'{"a": 1.0}'`, `'{"a": 1.00}'`],
  ['numeric[]', `'{1.0}'`, `'{1.00}'`],
  ['price', '1.0', '1.00'],
  ['price[]', `'{1.0}'`, `'{1.00}'`],
  ['document', `'[1.0]'`, `'[1.00]'`],
  ['measure', `'(1.0,kg)'`, `'(1.00,kg)'`],
  ['measure[]', `'{"(1.0,kg)"}'`, `'{"(1.00,kg)"}'`],
] as const

/** The old and new value in the log, as text: a number in JavaScript has no trailing zeros. */
async function valuesOf(id: string) {
  const { rows } = await query(
    `select old_data ->> 'v' as old, new_data ->> 'v' as new, diff ? 'v' as differs
     from auditrum.auditlog where id = $1`,
    [id],
  )
  return rows[0]
}

describe('a change of trailing zeros is recorded', () => {
  test.each(scaled)('of %s from %s to %s, beside another change', async (type, before, after) => {
    await query('drop table if exists scaled')
    await tracked('scaled', `create table scaled (id integer primary key, v ${type}, note text)`)
    const first = await event(`insert into scaled values (1, ${before}, 'a')`)
    const second = await event(`update scaled set v = ${after}, note = 'b'`)
    const inserted = await valuesOf(first.id)
    const updated = await valuesOf(second.id)
    expect(updated).toMatchObject({ old: inserted?.new, differs: true })
    expect(updated?.new).not.toBe(updated?.old)
  })

  test.each(scaled)('of a masked %s from %s to %s', async (type, before, after) => {
    await query('drop table if exists hidden')
    await tracked('hidden', `create table hidden (id integer primary key, v ${type})`, {
      mask: ['v'],
    })
    await query(`insert into hidden values (1, ${before})`)
    expect(await recorded(`update hidden set v = ${after}`)).toMatchObject([
      { operation: 'update', masked: ['v'], diff: {}, lossy: false },
    ])
    expect(await recorded(`update hidden set v = ${after}`)).toEqual([])
  })

  test('of jsonb with the changed image', async () => {
    await tracked('lean', 'create table lean (id integer primary key, v jsonb, note text)', {
      image: 'changed',
    })
    await query(`insert into lean values (1, '{"a": 1.0}', 'a')`)
    const { id } = await event(`update lean set v = '{"a": 1.00}', note = 'b'`)
    expect(await valuesOf(id)).toEqual({ old: '{"a": 1.0}', new: '{"a": 1.00}', differs: true })
  })
})

test('dates, times and floats are stored alike under DateStyle German, also in domains and ranges', async () => {
  await tracked(
    'moments',
    `create domain moment as timestamptz; create domain length as double precision;
     create domain code as bytea; create domain span as interval;
     create table moments (
       id integer primary key, d date, t timestamp, z timestamptz, i interval, f double precision,
       b bytea, r daterange, s tstzrange, m moment, l length, c code, p span, a moment[])`,
  )
  const values = `'2026-02-01', '2026-02-01 03:04:05.678901', '2026-02-01 03:04:05.678901+02',
    interval '-1 day -2 hours', 0.1 + 0.2::double precision, '\\x00ff'::bytea,
    daterange('2026-02-01', '2026-03-04'), tstzrange('2026-02-01 03:04+02', null),
    '2026-02-01 03:04:05+02', 0.1 + 0.2::double precision, '\\xff00'::bytea, interval '1 year -3 days',
    array['2026-02-01 03:04:05+02']::moment[]`
  const german = await database.client()
  await german.query(
    `set DateStyle = German; set IntervalStyle = sql_standard; set extra_float_digits = -5;
     set bytea_output = escape; set TimeZone = 'Asia/Kathmandu'`,
  )
  const foreign = await event(() => german.query(`insert into moments values (1, ${values})`))
  const plain = await event(`insert into moments values (2, ${values})`)
  expect({ ...foreign.new_data, id: 2 }).toEqual(plain.new_data)
  await query('set DateStyle = ISO')
  const { rows } = await query(
    `select jsonb_populate_record(null::moments, new_data) *= moments as same
     from auditrum.auditlog join moments on moments.id::text = object_id where table_name = 'moments'`,
  )
  expect(rows).toEqual([{ same: true }, { same: true }])
})

test('hstore is stored as the JSON object that PostgreSQL makes of it', async () => {
  const { rows } = await query("select 1 from pg_available_extensions where name = 'hstore'")
  if (rows.length === 0) return
  await query('create extension hstore')
  await tracked('tags', 'create table tags (id integer primary key, v hstore)')
  expect(await event(`insert into tags values (1, 'a=>1, b=>NULL')`)).toMatchObject({
    new_data: { id: 1, v: { a: '1', b: null } },
  })
  expect(await event(`update tags set v = v || 'a=>2'`)).toMatchObject({
    diff: { v: { old: { a: '1', b: null }, new: { a: '2', b: null } } },
  })
})

describe('a change that jsonb cannot tell, together with one that is not recorded', async () => {
  await tracked(
    'papers',
    'create table papers (id integer primary key, doc jsonb, list integer[], secret text, seen integer)',
    { exclude: ['secret'], ignore: ['seen'] },
  )
  test.each([
    [`doc = 'null'::jsonb, secret = 'x'`],
    [`list = '[5:5]={1}', secret = 'y'`],
    [`doc = null, seen = 2`],
    [`list = '{1}', seen = 3, secret = 'z'`],
  ])('is an event: %s', async (change) => {
    await query(`insert into papers values (1, null, '{1}', 's', 1) on conflict do nothing`)
    expect(await recorded(`update papers set ${change}`)).toMatchObject([{ lossy: true }])
    expect(await recorded(`update papers set secret = secret || '.', seen = seen + 1`)).toEqual([])
  })
})

test.each([
  ['bytea', `decode(repeat('ab', 3000), 'hex')`],
  ['numeric', `repeat('9', 5000)::numeric`],
  ['text', `(select string_agg(md5(n::text), '') from generate_series(1, 75) as n)`],
])('a long key of type %s can be written, and its row be found', async (type, value) => {
  const name = `long_${type}`
  await tracked(name, `create table ${name} (k ${type} primary key, v integer)`)
  const { object_id } = await event(`insert into ${name} values (${value}, 1)`)
  expect(object_id).toMatch(/^md5 [0-9a-f]{32}$/)
  await query(`update ${name} set v = 2`)
  const key = await query(`select to_jsonb(t) ->> 'k' as k from ${name} as t`)
  for (const id of [object_id, key.rows[0]?.k]) {
    const { rows } = await query('select operation from auditrum.history($1, $2)', [name, id])
    expect(rows).toEqual([{ operation: 'update' }, { operation: 'insert' }])
  }
})

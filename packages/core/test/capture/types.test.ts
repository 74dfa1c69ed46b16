import type pg from 'pg'
import { beforeAll, describe, expect, test } from 'vitest'
import { type AuditedDatabase, auditedDatabase } from '../support.js'

/** A type, and values of it as SQL. */
const types: readonly (readonly [string, ...string[]])[] = [
  ['smallint', '-32768', '32767'],
  ['integer', '2147483647'],
  ['bigint', '9223372036854775807', '-9223372036854775808'],
  [
    'numeric',
    `'NaN'`,
    `'Infinity'`,
    `'-Infinity'`,
    '1.10',
    '0.00',
    `('1' || repeat('0', 3000) || '.' || repeat('7', 2000))::numeric`,
  ],
  ['numeric(10,2)', '1.10', '-99999999.99'],
  ['real', `'NaN'`, `'Infinity'`, '0.1', '1e-38', '3.4028235e38'],
  [
    'double precision',
    `'NaN'`,
    `'-Infinity'`,
    '0.1 + 0.2::double precision',
    '5e-324',
    '1.7976931348623157e308',
  ],
  ['money', `'-12.34'::numeric::money`, `'1234567.89'::numeric::money`],
  ['text', `''`, `'''"\\'`, `E'\\x01\\u2028\\U0001F600'`],
  ['varchar(5)', `'abc'`],
  ['char(5)', `'a'`],
  ['"char"', `'x'`],
  ['name', `'a name'`],
  ['bytea', `'\\x00ff10'`, `''`],
  ['boolean', 'true', 'false'],
  ['uuid', `'0D9AD5E2-6F57-4C2E-9F60-3B7B9EE59A10'`],
  ['date', `'infinity'`, `'0044-03-15 BC'::date`, `'5874897-12-31'`],
  ['time', `'24:00:00'`, `'12:34:56.789012'`],
  ['timetz', `'12:34:56.789012+05:45'`],
  ['timestamp', `'-infinity'`, `'4713-01-01 00:00:00 BC'`, `'2026-10-25 02:30:00.123456'`],
  [
    'timestamptz',
    `'infinity'`,
    `'2026-10-25 02:30:00.123456+02'`,
    `'294276-12-31 23:59:59.999999+00'`,
  ],
  ['interval', `'-1 year -2 mons +3 days -04:05:06.789'`, `'178000000 years'`],
  ['inet', `'10.0.0.1/8'`, `'::1'`],
  ['cidr', `'10.0.0.0/8'`],
  ['macaddr', `'08:00:2b:01:02:03'`],
  ['macaddr8', `'08:00:2b:01:02:03:04:05'`],
  ['bit(3)', `B'101'`],
  ['bit varying', `B'10101'`],
  ['xml', `'<a b="c">&lt;</a>'`],
  ['jsonb', `'{"a": [1.10, null, "x"], "b": {}}'`, `'[]'`, `'"text"'`, `'1e400'`],
  ['tsvector', `'fat:1A cat:2B'`],
  ['tsquery', `'fat & !cat'`],
  ['point', `'(0.1,1e-300)'`],
  ['line', `'{1,-1,0.3}'`],
  ['lseg', `'[(0,0.1),(1,1)]'`],
  ['box', `'(1,1),(0.1,0)'`],
  ['path', `'((0,0),(1,1.1))'`, `'[(0,0),(1,1)]'`],
  ['polygon', `'((0,0),(1,1),(1,0.7))'`],
  ['circle', `'<(0,0.1),2>'`],
  ['pg_lsn', `'16/B374D848'`],
  ['oid', '4294967295'],
  ['regclass', `'pg_class'`, `'types.mood_table'`],
  ['regtype', `'types.mood'`],
  ['regproc', `'now'`],
  ['int4range', `'[1,5)'`, `'empty'`, `'(,)'`],
  ['int8range', `'[1,9223372036854775806)'`],
  ['numrange', `'[1.10,2.20]'`],
  ['daterange', `'[2026-01-02,2026-03-04)'`],
  ['tsrange', `'[2026-01-02 03:04:05.678901,infinity]'`],
  ['tstzrange', `'[2026-01-02 03:04:05.678901+02,)'`],
  ['int4multirange', `'{[1,2),[5,6)}'`],
  ['datemultirange', `'{[2026-01-02,2026-03-04),[2027-01-01,)}'`],
  ['tstzmultirange', `'{[2026-01-02 03:04+02,2026-03-04 05:06+02)}'`],
  ['integer[]', `'{1,NULL,3}'`, `'{{1,2},{3,4}}'`, `'{}'`],
  ['text[]', `'{"a,b","","NULL",NULL}'`],
  ['timestamptz[]', `'{2026-01-02 03:04:05.678901+02,infinity}'`],
  ['double precision[]', `'{0.1,0.30000000000000004,NaN}'`],
  ['bytea[]', `array['\\x00ff'::bytea]`],
  ['numeric[]', `'{1.10,1.100,NaN}'`],
  ['interval[]', `'{-1 year +2 days}'`],
  ['daterange[]', `array['[2026-01-02,2026-03-04)'::daterange]`],
  ['types.mood', `'it''s "ok"'`],
  ['types.mood[]', `'{sad}'`],
  ['types.cents', '9007199254740993'],
  ['types.moments', `'{2026-01-02 03:04:05.678901+02}'`],
  [
    'types.pair',
    `row(0.1, '2026-01-02 03:04:05.678901+02', '\\x00ff', '1 day -2 hours', '[2026-01-02,2026-03-04)', array[1,null])`,
  ],
  ['types.pair[]', `array[row(0.1, 'infinity', null, null, null, null)::types.pair]`],
  ['types.spans', `'[2026-01-02 03:04:05.678901+02,)'`],
  ['types.label', `'a "label"'`],
]

const hostile = [
  ['TimeZone', 'Asia/Kathmandu'],
  ['DateStyle', 'SQL, DMY'],
  ['IntervalStyle', 'sql_standard'],
  ['extra_float_digits', '-10'],
  ['bytea_output', 'escape'],
  ['search_path', 'nowhere, public'],
] as const
const others = [
  ['TimeZone', 'America/New_York'],
  ['DateStyle', 'ISO, MDY'],
  ['IntervalStyle', 'postgres'],
] as const

let database: AuditedDatabase
let writer: pg.Client
let reader: pg.Client
beforeAll(async () => {
  database = await auditedDatabase()
  await database.query(`
    create schema types;
    create type types.mood as enum ('sad', 'it''s "ok"');
    create table types.mood_table (id integer);
    create domain types.cents as bigint check (value > 0);
    create domain types.moments as timestamptz[];
    create type types.pair as (f double precision, t timestamptz, b bytea, i interval, r daterange, a integer[]);
    create type types.spans as range (subtype = timestamptz);
    -- a base type of which nothing is known but how to read and write it
    create type types.label;
    create function types.label_in(cstring) returns types.label language internal immutable strict as 'textin';
    create function types.label_out(types.label) returns cstring language internal immutable strict as 'textout';
    create type types.label (input = types.label_in, output = types.label_out, like = text);
  `)
  writer = await database.client()
  reader = await database.client()
  for (const [name, value] of others)
    await reader.query('select set_config($1, $2, false)', [name, value])
  for (const [name, value] of hostile)
    await writer.query('select set_config($1, $2, false)', [name, value])
})

describe('under hostile settings', () => {
  test.for(types)('%s comes back as it was', async ([type, ...values]) => {
    const table = `public.of_${types.findIndex(([name]) => name === type)}`
    await database.tracked(table, `create table ${table} (id integer primary key, v ${type})`)
    for (const [index, value] of values.entries()) {
      await writer.query(`insert into ${table} values (${index}, null), (${100 + index}, ${value})`)
      await writer.query(`update ${table} set v = ${value} where id = ${index}`)
    }
    await check(table, values.length)
  })

  async function check(table: string, count: number) {
    const { rows } = await reader.query(`
      select log.operation, log.lossy, jsonb_populate_record(null::${table}, log.new_data) *= live as same,
        log.new_data, live.v::text
      from auditrum.auditlog as log
      join ${table} as live on live.id::text = log.object_id
      where log.table_name = split_part('${table}', '.', 2)
        and (log.operation = 'update' or log.object_id::integer >= 100)`)
    expect(rows).toHaveLength(2 * count)
    expect(rows.filter(({ same }) => !same)).toEqual([])
  }
})

describe('what jsonb cannot hold is an event that is flagged, where nothing else changed:', () => {
  test.for([
    ['jsonb', 'null', `'null'`],
    ['integer[]', `'{1}'`, `'[5:5]={1}'`],
    ['double precision', `'-0'`, '0'],
    ['json', `'{"a":1}'`, `'{"a": 1}'`],
  ] as const)('%s from %s to %s', async ([type, before, after]) => {
    await database.query('drop table if exists lossy')
    await database.tracked('lossy', `create table lossy (id integer primary key, v ${type})`)
    await database.query(`insert into lossy values (1, ${before})`)
    expect(await database.event(`update lossy set v = ${after}`)).toMatchObject({
      lossy: true,
      diff: {},
    })
    expect(await database.recorded(`update lossy set v = ${after}`)).toEqual([])
  })

  test.for([
    ['numeric', '1.0', '1.00'],
    ['jsonb', `'{"a": 1.0}'`, `'{"a": 1.00}'`],
    ['double precision', '0.1', '0.10000000000000002'],
  ] as const)('but a change of %s from %s to %s it holds', async ([type, before, after]) => {
    await database.query('drop table if exists exact')
    await database.tracked('exact', `create table exact (id integer primary key, v ${type})`)
    await database.query(`insert into exact values (1, ${before})`)
    const event = await database.event(() => writer.query(`update exact set v = ${after}`))
    expect(event.lossy).toBe(false)
    expect(Object.keys(event.diff ?? {})).toEqual(['v'])
  })
})

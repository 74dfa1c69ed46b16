import { testDatabase } from '@auditrum/testkit/vitest'
import { expect, test } from 'vitest'
import { Auditrum, track } from '../../src/index.js'
import { auditedDatabase } from '../support.js'

test('names of every kind, in a log of another schema', async () => {
  const database = await testDatabase()
  const name = { schema: 'my.shop', table: `Order"s % (image)` }
  const quoted = `"my.shop"."Order""s % (image)"`
  await database.query(`
    create schema "my.shop";
    create table ${quoted} (
      "the Key" int, live text, "k1" int, "c1" text, record text, place text, missing text, "auditrum_missing" text,
      "x""y %s $1 \\" text, primary key (k1, "the Key"))`)
  const audit = new Auditrum(database, { schema: 'my log', tables: [track(name)] })
  await audit.sync()
  await database.query(
    `insert into ${quoted} values (1, 'l', 2, 'c', 'r', 'p', 'm', 'a', 'x'), (2, 'l', 2, 'c', 'r', 'p', 'm', 'a', 'x')`,
  )
  const [event] = (await audit.page()).events
  const at = { event: String(event?.id) }
  const { rows } = await database.query(`select * from ${quoted} order by k1, "the Key"`)
  await database.query(
    `update ${quoted} set live = null, "x""y %s $1 \\" = 'y' where "the Key" = 1`,
  )
  const found: unknown[] = []
  for await (const row of audit.tableAsOf(name, at)) found.push(row)
  expect(found).toEqual(rows)
  expect(await audit.rowAsOf(name, { k1: 2, 'the Key': 1 }, at)).toEqual(rows[0])
  expect((await audit.compare(name, [2, 1], at, new Date(Date.now() + 1000))).changes).toEqual({
    live: { from: 'l', to: null },
    'x"y %s $1 \\': { from: 'x', to: 'y' },
  })
  expect(await audit.columnHistory(name, '[2, 1]', 'x"y %s $1 \\')).toHaveLength(2)
  const { rows: inSql } = await database.query(
    `select * from "my log".as_of(null::${quoted}, event => ${event?.id}) order by k1, "the Key"`,
  )
  expect(inSql).toEqual(rows)
})

test('under another key the log does not know which rows were meant, and says so', async () => {
  const database = await auditedDatabase()
  const audit = new Auditrum(database)
  await database.tracked('items', 'create table items (a int, b int, qty int, primary key (a, b))')
  await database.query('insert into items values (3, 1, 10), (1, 3, 20)')
  const at = { event: String((await database.events()).at(-1)?.id) }
  await database.query('alter table items drop constraint items_pkey, add primary key (b, a)')
  await database.track('items')
  const later = new Date(Date.now() + 5)
  expect((await audit.tableAsOf('items', at)).complete).toBe(false)
  expect((await audit.tableAsOf('items', later)).complete).toBe(true)
  await database.query(
    `alter table items drop constraint items_pkey, add code text; update items set code = a || '-' || b; alter table items add primary key (code)`,
  )
  await database.track('items')
  await database.query(`update items set qty = 11 where code = '3-1'`)
  for (const moment of [at, later]) {
    const rows: unknown[] = []
    for await (const row of audit.tableAsOf('items', moment)) rows.push(row)
    expect((await audit.tableAsOf('items', moment)).complete).toBe(false)
    expect(rows.length).toBeGreaterThan(0)
  }
  expect(await audit.rowAsOf('items', '3-1', new Date(Date.now() + 5))).toEqual({
    a: 3,
    b: 1,
    qty: 11,
    code: '3-1',
  })
})

test('keys of types outside pg_catalog are read in their order', async () => {
  const database = await auditedDatabase()
  const audit = new Auditrum(database)
  await database.query(
    `create type size as enum ('s', 'm', 'l'); create domain word as text check (value <> '')`,
  )
  await database.tracked(
    'stock',
    'create table stock (size size, word word, n int, primary key (size, word))',
  )
  await database.query(
    `insert into stock select s, 'w' || n, n from unnest(enum_range(null::size)) as s, generate_series(1, 400) as n`,
  )
  const at = { event: String((await database.events()).at(-1)?.id) }
  const { rows } = await database.query('select * from stock order by size, word')
  await database.query(
    `delete from stock where n % 2 = 0; update stock set n = 0 where n % 3 = 0; update stock set word = 'x' || word where n % 5 = 0`,
  )
  const found: unknown[] = []
  for await (const row of audit.tableAsOf('stock', at)) found.push(row)
  expect(found).toEqual(rows)
  expect(await audit.rowAsOf('stock', ['l', 'w2'], at)).toEqual({ size: 'l', word: 'w2', n: 2 })
})

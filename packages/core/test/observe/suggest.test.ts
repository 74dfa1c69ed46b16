import { expect, test } from 'vitest'
import { Auditrum } from '../../src/index.js'
import { auditedDatabase } from '../support.js'

test('the costly columns, and what would make the log smaller', async () => {
  const database = await auditedDatabase()
  await database.tracked(
    'sessions',
    'create table sessions (id int primary key, last_seen timestamptz, data text, payload text)',
  )
  await database.tracked('orders', 'create table orders (id int primary key, total int)')
  await database.tracked(
    'documents',
    'create table documents (id int primary key, title text, body text)',
    { image: 'changed', retention: '60 days' },
  )
  await database.query(`
    insert into sessions select n, now(), repeat('x', 300), 'y' from generate_series(1, 100) as n;
    insert into orders select n, 1 from generate_series(1, 50) as n`)
  for (let turn = 1; turn <= 5; turn++)
    await database.query(`update sessions set last_seen = now() + ${turn} * interval '1 hour'`)
  await database.query(`
    insert into documents select n, 'a title', (select string_agg(md5(n::text || m), '') from generate_series(1, 100) as m)
      from generate_series(1, 200) as n`)

  const audit = new Auditrum(database)
  const { days, sampled, bytesPerMonth, tables, suggestions } = await audit.suggest()
  expect(days).toBeLessThan(1)
  expect(sampled).toBe(850)
  expect(tables.map(({ table }) => table)).toEqual([
    'public.documents',
    'public.sessions',
    'public.orders',
  ])
  expect(bytesPerMonth).toBeGreaterThan(0)
  const [documents, sessions] = tables
  expect(documents?.columns[0]?.column).toBe('body')
  expect(Number(documents?.bytesKept) / Number(documents?.bytesPerMonth)).toBeCloseTo(2, 3)
  expect(sessions?.bytesKept).toBeNull()
  expect(documents?.bytesPerEvent).toBeGreaterThan(3000)
  const column = (name: string) => sessions?.columns.find((each) => each.column === name)
  expect(column('last_seen')).toMatchObject({ changedAlone: 1, repeatedPerMonth: 0 })
  expect(column('data')).toMatchObject({ changedAlone: 0 })
  expect(column('data')?.repeatedPerMonth).toBeGreaterThan(0)

  expect(suggestions.map(({ table, kind, column }) => [table, kind, column])).toEqual(
    expect.arrayContaining([
      ['public.documents', 'exclude', 'body'],
      ['public.sessions', 'ignore', 'last_seen'],
      ['public.sessions', 'image', null],
    ]),
  )
  // too few to tell, and nothing that is declared already
  expect(suggestions.some(({ table }) => table === 'public.orders')).toBe(false)
  expect(
    suggestions.some(({ table, kind }) => table === 'public.documents' && kind === 'image'),
  ).toBe(false)
  expect(suggestions[0]?.kind).toBe('image')
  expect((await audit.status()).growth?.tables).toHaveLength(3)
})

test('what changes alone is not to be ignored, unless it is a time', async () => {
  const database = await auditedDatabase()
  await database.tracked('accounts', 'create table accounts (id int primary key, balance int)')
  await database.query('insert into accounts select n, 0 from generate_series(1, 100) as n')
  for (let turn = 1; turn <= 3; turn++)
    await database.query(`update accounts set balance = ${turn}`)
  const { tables, suggestions } = await new Auditrum(database).suggest()
  expect(tables[0]?.columns.find(({ column }) => column === 'balance')?.changedAlone).toBe(1)
  expect(suggestions.some(({ kind }) => kind === 'ignore')).toBe(false)
})

test('of a log without events nothing is suggested', async () => {
  const database = await auditedDatabase()
  expect(await new Auditrum(database).suggest()).toMatchObject({
    sampled: 0,
    bytesPerMonth: 0,
    tables: [],
    suggestions: [],
  })
})

test.for([0, 1.5, 4000])('%s days are refused', async (days) => {
  const database = await auditedDatabase()
  await expect(new Auditrum(database).suggest({ days })).rejects.toMatchObject({
    code: 'AUDITRUM_USAGE',
  })
})

test('who may read the log may ask, and who may not is told so by status', async () => {
  const database = await auditedDatabase()
  const reader = await database.role()
  await database.query(`select auditrum.let_read('${reader.name}')`)
  expect((await new Auditrum(await reader.client()).suggest()).tables).toEqual([])
  const stranger = await database.role()
  expect((await new Auditrum(await stranger.client()).status()).growth).toBeNull()
})

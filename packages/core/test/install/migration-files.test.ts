import { testDatabase } from '@auditrum/testkit/vitest'
import { expect, test } from 'vitest'
import { Auditrum, migrationFiles, track } from '../../src/index.js'

const database = await testDatabase()

test('a migration in plain SQL does what plan said, and takes it back', async () => {
  await database.query('create table orders (id int primary key)')
  const audit = new Auditrum(await database.client(), { tables: [track('orders')] })
  const date = new Date('2026-11-25T16:25:49Z')
  const [up, down] = migrationFiles(await audit.migration(), {
    for: 'sql',
    name: 'Track the orders',
    date,
  })
  expect([up?.name, down?.name]).toEqual([
    '20261125162549_track_the_orders.up.sql',
    '20261125162549_track_the_orders.down.sql',
  ])
  await database.query(up?.text ?? '')
  expect((await audit.plan()).every(({ action }) => action === 'none')).toBe(true)
  await database.query(down?.text ?? '')
  expect((await audit.plan()).map(({ action }) => action)).toEqual(['none', 'install'])
})

test('what is no option of a migration is refused', () => {
  const sql = { up: '', down: '' }
  expect(() => migrationFiles(sql, { for: 'prisma' as never })).toThrow("It is 'knex'")
  expect(() => migrationFiles(sql, { for: 'knex', format: 'coffee' as never })).toThrow(
    "It is 'js'",
  )
  expect(() => migrationFiles([] as never, { for: 'knex' })).toThrow(
    'Give what migration() resolves to',
  )
  const date = new Date(Number.NaN)
  expect(() => migrationFiles(sql, { for: 'knex', date })).toThrow('Give a Date')
  expect(migrationFiles(sql, { for: 'knex' })).toEqual([])
  expect(() => migrationFiles(sql, { for: 'knex', name: '///' })).toThrow('Give some words')
  expect(() => migrationFiles(sql, { for: 'knex', nam: 'x' } as never)).toThrow('"name"?')
})

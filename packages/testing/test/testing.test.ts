import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify, stripVTControlCharacters } from 'node:util'
import { auditrum, track, withContext } from '@auditrum/pg'
import { testDatabase } from '@auditrum/testkit/vitest'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { testing } from '../src/index.js'

const database = await testDatabase()
const pool = database.pool()
const audit = auditrum(pool, { tables: [track('orders', { mask: ['iban'] })], maintain: false })
const { expectAudited, written, off, on } = testing(audit)

beforeAll(async () => {
  await pool.query(
    'create table orders (id bigint primary key, status text, total numeric, paid_at timestamptz, iban text)',
  )
  await audit.sync()
  await withContext({ user_id: 7, source: 'web', change_reason: 'Sign-up' }, () =>
    pool.query(`insert into orders values (1, 'new', 9.90, null, 'x')`),
  )
  await withContext({ user_id: 'anna', request_id: 'r1' }, () =>
    pool.query(
      `update orders set status = 'paid', total = 12, paid_at = '2026-11-25T12:00:00Z', iban = 'y'`,
    ),
  )
})

test('expectAudited finds the event that holds what is expected, and returns it', async () => {
  const paidAt = new Date('2026-11-25T12:00:00Z')
  const event = await expectAudited('orders', 1, {
    operation: 'update',
    userId: 'anna',
    changeReason: null,
    metadata: { request_id: 'r1' },
    diff: {
      status: { old: 'new', new: 'paid' },
      paid_at: { new: paidAt },
      total: { old: 9.9, new: 12 },
    },
    old: { total: expect.any(String) },
    masked: ['iban'],
    dbUser: 'postgres',
  })
  expect(event).toMatchObject({ table: 'orders', userId: 'anna' })
  await expectAudited({ table: 'orders' }, '1', { userId: 7, source: 'web', new: { id: 1n } })
  await expectAudited('orders', 1)
})

test('expectAudited fails with what is there in the place of what is expected', async () => {
  const failure = (...args: Parameters<typeof expectAudited>) =>
    expectAudited(...args).then(
      () => expect.fail('it did not fail'),
      (error) => error,
    )
  const expected = { userId: 'ben', diff: { status: { new: 'paid' }, total: { new: 12 } } }
  const error = await failure('orders', 1, expected)
  expect(error).toMatchObject({
    code: 'ERR_ASSERTION',
    expected,
    // what is as expected is shown as expected
    actual: { userId: 'anna', diff: { status: { new: 'paid' }, total: { new: 12 } } },
  })
  await expect(expectAudited('orders', 1, { user: 'anna' } as never)).rejects.toThrow(
    'no option "user"',
  )
  await expect(expectAudited('orders', 1, { new: { total: new Map() } })).rejects.toThrow(
    'A Map is nothing',
  )
  expect(error.message).toMatch(
    /^orders 1 has no event with .*\n {2}update by anna: .*\n {2}insert by 7/,
  )
  const wrong = [
    { userId: 8 },
    { userId: null },
    { operation: 'delete' as const },
    { diff: { nothing: { new: 1 } } },
    { masked: [] },
    { old: null },
    { diff: { paid_at: { new: new Date(0) } } },
    { metadata: { request_id: expect.any(Number) } },
  ]
  for (const expected of wrong) {
    expect((await failure('orders', 1, { operation: 'update', ...expected })).code).toBe(
      'ERR_ASSERTION',
    )
  }
  expect((await failure('orders', 2, {})).message).toMatch(/^orders 2 has no event, /)
  expect((await failure('customers', 2, {})).code).not.toBe('ERR_ASSERTION')
})

test('written returns what was written meanwhile, oldest first', async () => {
  const events = await written(async () => {
    await pool.query(`insert into orders (id) values (10)`)
    await pool.query(`delete from orders where id = 10`)
  })
  expect(events.map(({ operation, objectId }) => [operation, objectId])).toEqual([
    ['insert', '10'],
    ['delete', '10'],
  ])
  expect(await written(() => undefined)).toEqual([])
})

test('auditing is off and on again, where the owner of the log has allowed it', async () => {
  await expect(off()).rejects.toThrow('may not be paused')
  await audit.allowPausing()
  await off()
  expect(await written(() => pool.query('insert into orders (id) values (11)'))).toEqual([])
  await on()
  expect(await written(() => pool.query('insert into orders (id) values (12)'))).toHaveLength(1)
})

test('a test that is rolled back reads what it wrote', async () => {
  const client = await pool.connect()
  await client.query('begin')
  const inside = testing(audit.on(client))
  await withContext({ user_id: 'cleo' }, () => client.query('insert into orders (id) values (20)'))
  await inside.expectAudited('orders', 20, { operation: 'insert', userId: 'cleo' })
  await client.query('rollback')
  client.release()
  await expect(expectAudited('orders', 20)).rejects.toThrow('has no event')
})

const root = fileURLToPath(new URL('../../../', import.meta.url))
const body = (url: string) => `
  const pool = new pg.Pool({ connectionString: ${JSON.stringify(url)} })
  const { expectAudited } = testing(auditrum(pool, { maintain: false }))
  const run = async (user) => {
    try {
      await expectAudited('orders', 1, { operation: 'update', userId: user })
    } finally {
      await pool.end()
    }
  }`
const runners = {
  Jest: {
    file: 'audited.test.cjs',
    text: (url: string) => `
      const { auditrum } = require('@auditrum/pg')
      const { testing } = require('@auditrum/testing')
      const pg = require('pg')
      ${body(url)}
      test('fails', () => run('ben'))`,
    command: [
      join(root, 'node_modules/jest/bin/jest.js'),
      '--config',
      '{}',
      '--testMatch',
      '**/*.test.cjs',
    ],
  },
  'node:test': {
    file: 'audited.test.mjs',
    text: (url: string) => `
      import test from 'node:test'
      import { auditrum } from '@auditrum/pg'
      import { testing } from '@auditrum/testing'
      import pg from 'pg'
      ${body(url)}
      test('fails', () => run('ben'))`,
    command: ['--test', 'audited.test.mjs'],
  },
}

test.each(Object.entries(runners))(
  '%s shows the difference',
  async (_, { file, text, command }) => {
    const folder = mkdtempSync(join(tmpdir(), 'auditrum-testing-'))
    afterAll(() => rmSync(folder, { recursive: true, force: true }))
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
    writeFileSync(join(folder, file), text(database.url))
    const env = {
      ...process.env,
      NODE_TEST_CONTEXT: undefined,
      NO_COLOR: '1',
      FORCE_COLOR: undefined,
    }
    const result = await promisify(execFile)(process.execPath, command, { cwd: folder, env }).catch(
      (error) => error,
    )
    expect(result.code).toBe(1)
    const shown = stripVTControlCharacters(result.stdout + result.stderr)
    expect(shown).toMatch(/orders 1 has no event with/)
    expect(shown).toMatch(/[-+]\s+"?userId"?: ['"](ben|anna)['"]/)
  },
)

import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { migrationFiles } from '@auditrum/core'
import { testDatabase } from '@auditrum/testkit/vitest'
import knexOf, { type Knex } from 'knex'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { auditrum, type KnexAuditrum, track } from '../src/index.js'
import { as } from './support.js'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const opened: Knex[] = []
afterAll(() => Promise.all(opened.map((knex) => knex.destroy())))

let knex: Knex
let audit: KnexAuditrum
let directory: string
beforeEach(async () => {
  const database = await testDatabase()
  directory = mkdtempSync(join(tmpdir(), 'auditrum-migrations-'))
  const folder = directory
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  knex = knexOf({
    client: 'pg',
    connection: database.url,
    migrations: { directory, loadExtensions: ['.js', '.ts', '.mjs', '.cjs'] },
  })
  opened.push(knex)
  audit = auditrum(knex, {
    tables: [track('orders', { when: `NEW.note ~ '\\?$' OR NEW.note LIKE '\`%\${x}'` })],
    maintain: false,
  })
  await knex.raw('create table orders (id int primary key, note text)')
})

async function write(options: { format?: 'js' | 'ts' | 'esm'; name?: string } = {}) {
  const [file] = migrationFiles(await audit.migration(), { for: 'knex', ...options })
  writeFileSync(join(directory, file?.name ?? ''), file?.text ?? '')
  return file?.name
}
/** Node itself reads no TypeScript before 22. */
async function latestWithTsx() {
  const script = `
    const knex = require('knex')(${JSON.stringify({ ...knex.client.config })})
    knex.migrate.latest().finally(() => knex.destroy())`
  await promisify(execFile)(process.execPath, ['--import', 'tsx', '-e', script], {
    cwd: directory,
  })
}

const pending = async () =>
  (await audit.plan()).filter(({ action }) => action !== 'none').map(({ action }) => action)

describe('a migration that core has written', () => {
  test.each(['js', 'esm', 'ts'] as const)(
    'in the format %s does what plan says',
    async (format) => {
      expect(await write({ format, name: 'Track orders' })).toMatch(
        /^\d{14}_track_orders\.(js|mjs|ts)$/,
      )
      await (format === 'ts' ? latestWithTsx() : knex.migrate.latest())
      expect(await pending()).toEqual([])
      await as('anna', () => knex('orders').insert({ id: 1, note: 'x?' }))
      expect(await audit.events().forTable('orders').forId(1)).toMatchObject([{ user_id: 'anna' }])

      if (format === 'ts') return
      await knex.migrate.rollback()
      expect(await pending()).toEqual(['install'])
      await knex('orders').insert({ id: 2, note: 'y?' })
      expect(await audit.events()).toHaveLength(1)
    },
  )

  test('that fails leaves nothing, because it is in the transaction of Knex', async () => {
    const name = await write()
    const text = `
      const { up } = require('./${name}')
      exports.up = async (knex) => { await up(knex); throw new Error('later') }
      exports.down = async () => {}`
    writeFileSync(join(directory, '20000101000000_fails.js'), text)
    await expect(knex.migrate.up({ name: '20000101000000_fails.js' })).rejects.toThrow('later')
    expect(await pending()).toEqual(['install', 'install'])
  })

  test('is applied by several processes at once as Knex applies any: once', async () => {
    await write()
    await knex.migrate.currentVersion() // makes the table of its lock
    const others = [knexOf(knex.client.config), knexOf(knex.client.config)]
    opened.push(...others)
    const results = await Promise.allSettled([knex, ...others].map((each) => each.migrate.latest()))
    expect(results.some(({ status }) => status === 'fulfilled')).toBe(true)
    expect(await pending()).toEqual([])
  })
})

test('audit.install(knex) in a migration written by hand is part of it', async () => {
  const install = 'Symbol.for("auditrum.test.install")'
  Object.assign(globalThis, { [Symbol.for('auditrum.test.install')]: audit })
  const text = `
    exports.up = async (knex) => {
      await knex.schema.alterTable('orders', (table) => table.text('status'))
      await globalThis[${install}].install(knex)
    }
    exports.down = async () => {}`
  writeFileSync(join(directory, '20260101000000_by_hand.js'), text)
  await knex.migrate.latest()
  expect(await pending()).toEqual([])
})

test('a migration that imports this package needs nothing of the application', async () => {
  const text = `
    const { auditrum, track } = require('@auditrum/knex')
    exports.up = async (knex) => {
      const audit = auditrum(knex, { tables: [track('orders')], maintain: false })
      await audit.sync()
      audit.close()
    }
    exports.down = async () => {}`
  writeFileSync(join(directory, '20260101000000_by_hand.js'), text)
  await knex.migrate.latest()
  await knex('orders').insert({ id: 1 })
  expect(await audit.events().forTable('orders')).toHaveLength(1)
})

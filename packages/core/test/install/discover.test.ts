import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { testDatabase } from '@auditrum/testkit/vitest'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Auditrum } from '../../src/index.js'

const database = await testDatabase()
const folder = mkdtempSync(join(tmpdir(), 'auditrum-discover-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function write(path: string, text: string): string {
  const file = join(folder, path)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
  return file
}

beforeAll(() =>
  database.query(
    'create table users (id int primary key); create table orders (id int primary key)',
  ),
)

test('files that declare tables are run once, in the order of their paths', async () => {
  const users = write('good/users/audit.mjs', `export default (audit) => audit.track('users')`)
  const orders = write(
    'good/orders/audit.cjs',
    `module.exports = [{ kind: 'track', table: { table: 'orders' }, options: {} }]`,
  )
  write('good/orders/node_modules/x/audit.cjs', `throw new Error('of a dependency')`)
  const audit = new Auditrum(await database.client(), { app: 'discovered' })
  const glob = `${folder}/good/**/audit.{mjs,cjs}`
  expect(await audit.discover(glob)).toEqual([orders, users])
  expect(await audit.discover([glob])).toEqual([orders, users])
  const tables = (await audit.plan()).map(({ table }) => table)
  expect(tables).toEqual([null, 'public.orders', 'public.users'])
})

test('a function may return what it declares, and one declaration is enough', async () => {
  const one = `{ kind: 'track', table: { table: 'orders' }, options: {} }`
  for (const [name, text] of [
    ['returns', `export default async () => [${one}]`],
    ['single', `export default ${one}`],
  ] as const) {
    write(`${name}/audit.mjs`, text)
    const audit = new Auditrum(await database.client(), { app: 'discovered' })
    await audit.discover(`${folder}/${name}/audit.mjs`)
    expect((await audit.plan()).map(({ table }) => table)).toEqual([null, 'public.orders'])
  }
})

test('the option discover is heeded by everything that needs the declarations', async () => {
  const glob = `${folder}/good/**/audit.{mjs,cjs}`
  const client = await database.client()
  const audit = new Auditrum(client, { discover: glob })
  expect((await audit.on(client).plan()).length).toBe(3)
  expect((await audit.sync()).installed).toEqual(['public.orders', 'public.users'])
  expect(await audit.check()).toEqual([])
  expect((await audit.status()).tables.map(({ table }) => table)).toHaveLength(2)
})

test('a file that is broken is named, and can be mended', async () => {
  const audit = new Auditrum(await database.client())
  const cases: [name: string, text: string, message: RegExp][] = [
    ['syntax', 'export default {', /syntax\/audit\.mjs cannot be read: /],
    ['throws', `throw new Error('no such thing')`, /throws\/audit\.mjs .*no such thing/],
    ['nothing', 'export const tables = []', /nothing\/audit\.mjs .*default export is/],
    ['wrong', `export default ['users']`, /wrong\/audit\.mjs .*Write track\("users"\)/],
    [
      'option',
      `export default (audit) => audit.track('users', { exlude: ['x'] })`,
      /option\/audit\.mjs .*Did you mean "exclude"/,
    ],
  ]
  for (const [name, text, message] of cases) {
    write(`${name}/audit.mjs`, text)
    const error = await audit.discover(`${folder}/${name}/audit.mjs`).catch((reason) => reason)
    expect(error.code).toBe('AUDITRUM_DECLARATION')
    expect(error.message).toMatch(message)
  }
})

test('a glob that finds nothing is refused: its tables would go unrecorded', async () => {
  const audit = new Auditrum(await database.client(), { discover: `${folder}/srcs/**/audit.js` })
  await expect(audit.sync()).rejects.toThrow('discover found no file')
  await expect(audit.discover([])).rejects.toThrow('discover found no file')
  await expect(audit.discover(7 as never)).rejects.toThrow('discover was given 7')
})

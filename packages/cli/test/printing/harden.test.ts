import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Role } from '@auditrum/testkit'
import { beforeAll, expect, test } from 'vitest'
import { type Shop, shop } from '../support.js'

let it: Shop
let app: Role
beforeAll(async () => {
  it = await shop()
  app = await it.database.role()
  await it.database.query(`
    grant select, insert, update, delete on all tables in schema public to ${app.name};
    grant delete on auditrum.audit_event to ${app.name}`)
})

test('shows the SQL, which hardens wherever it is run', async () => {
  const { code, stdout } = await it.cli(['harden', '--app-role', app.name, '--dry-run'])
  expect({
    code,
    starts: stdout.includes(`REVOKE ALL ON TABLE auditrum.audit_event FROM ${app.name}`),
  }).toEqual({
    code: 0,
    starts: true,
  })
  const client = await it.database.client()
  await client.query(`begin; ${stdout}`)
  const right = `select has_table_privilege('${app.name}', 'auditrum.audit_event', 'delete') as granted`
  expect((await client.query(right)).rows).toEqual([{ granted: false }])
  await client.query('rollback')
  expect((await client.query(right)).rows).toEqual([{ granted: true }])

  await it.cli(['harden', '--app-role', app.name, '--output', 'harden.sql'])
  expect(readFileSync(join(it.folder, 'harden.sql'), 'utf8')).toBe(stdout)
})

test('prints what each role can still do', async () => {
  const { code, stdout, stderr } = await it.cli(['harden', '--app-role', app.name])
  expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringMatching(/checked/) })
  expect(stdout).toMatch(/^ +role_\w+ +postgres$/m)
  expect(stdout).toMatch(/^may insert, update or delete events +no +yes: a superuser$/m)
  expect(stdout).toMatch(new RegExp(`${app.name} can only append\\.\\n$`))
  const again = await it.cli(['harden', '--app-role', app.name])
  expect(again.stderr).toBe('Nothing was to do.\n')
})

test('fails while the application can get around the log, and says what ends that', async () => {
  await it.database.query(`alter table orders owner to ${app.name}`)
  const { code, stdout } = await it.cli(['harden', '--app-role', app.name])
  expect(code).toBe(1)
  expect(stdout).toMatch(/disable, replace or drop the triggers .* owner of public\.orders/)
  expect(stdout).toContain('--take-tables')
  expect(stdout).toMatch(/can get around the log\.\n$/)
  const json = await it.cli(['harden', '--app-role', app.name, '--json'])
  expect(JSON.parse(json.stdout)).toMatchObject({
    ok: false,
    gaps: [{ capability: 'disable_triggers' }],
  })
  const taken = await it.cli(['harden', '--app-role', app.name, '--take-tables'])
  expect(taken).toMatchObject({ code: 0 })
  await (await app.client()).query(`update orders set status = 'sent'`)
})

test('hands the log to a role that nobody logs in as, which then syncs', async () => {
  const keeper = await it.database.role()
  const deployer = await it.database.role()
  await it.database.query(`
    alter role ${keeper.name} nologin;
    grant ${keeper.name} to ${deployer.name}`)
  const taking = ['harden', '--app-role', app.name, '--take-ownership', keeper.name]
  expect(await it.cli(taking)).toMatchObject({ code: 0 })
  const deploying = ['--database-url', deployer.url, 'create-partitions', '--months', '7']
  expect(await it.cli(deploying)).toMatchObject({ code: 0 })
  await it.database.query('drop trigger "00_auditrum" on customers')
  const syncing = ['--database-url', deployer.url, 'sync']
  expect(await it.cli(syncing)).toMatchObject({ code: 3 })
  expect(await it.cli(syncing, { PGOPTIONS: `-c role=${keeper.name}` })).toMatchObject({
    code: 0,
    stdout: 'updated public.customers\n',
  })
})

test('refuses a role that cannot be held back, and what is no role', async () => {
  const superuser = await it.cli(['harden', '--app-role', 'postgres'])
  expect(superuser).toMatchObject({ code: 3, stdout: '' })
  expect(superuser.stderr).toMatch(/^auditrum: The role postgres is a superuser/)
  const needed = "auditrum: required option '--app-role <role>' not specified"
  expect(await it.cli(['harden'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining(needed),
  })
  expect(await it.cli(['harden', '--approle', app.name])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('(Did you mean --app-role?)'),
  })
  expect(await it.cli(['purge', '--olderthan', '2 years'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('(Did you mean --older-than?)'),
  })
  expect(await it.cli(['purge'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("required option '--older-than <time>' not specified"),
  })
  const same = ['harden', '--app-role', app.name, '--admin-role', app.name]
  expect(await it.cli(same)).toMatchObject({ code: 2 })
})

test('forgets a role that was meant by mistake', async () => {
  const forgetting = ['harden', '--forget', app.name]
  const dry = await it.cli([...forgetting, '--dry-run'])
  expect(dry.stdout).toBe(`SELECT "auditrum".forget_hardening('${app.name}');\n`)
  expect(await it.cli(forgetting)).toMatchObject({
    code: 0,
    stdout: '',
    stderr: expect.stringContaining('What was taken from it stays taken.'),
  })
  expect(await it.cli(forgetting)).toMatchObject({
    code: 2,
    stderr: `auditrum: The log was not hardened against ${app.name}. There is nothing to forget: it was hardened against no role.\n`,
  })
  expect(await it.cli([...forgetting, '--app-role', app.name])).toMatchObject({ code: 2 })
})

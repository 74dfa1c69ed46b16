import { testDatabase } from '@auditrum/testkit/vitest'
import { beforeAll, describe, expect, test } from 'vitest'
import { project } from '../support.js'

const database = await testDatabase()
const url = { DATABASE_URL: database.url }
beforeAll(() => database.query('create table orders (id integer primary key)'))

describe('a configuration', () => {
  const list = `tables: [{ kind: 'track', table: { table: 'orders' }, options: {} }]`
  test.each([
    ['auditrum.config.ts', `enum E { A }\nexport default { ${list} } satisfies object`],
    ['auditrum.config.mts', `export default { ${list} } as object`],
    ['auditrum.config.mjs', `export default { ${list} }`],
    ['auditrum.config.js', `module.exports = { ${list} }`],
    ['auditrum.config.js', `export default { ${list} }`],
    ['auditrum.config.json', '{"tables": ["orders"]}'],
    ['auditrum.config.json', '{"tables": [{"table": "orders", "image": "changed"}]}'],
  ])('%s is read, on this Node', async (name, text) => {
    const { stdout, stderr } = await project({ [name]: text }).cli(['plan'], url)
    expect(stderr).toContain('to do')
    expect(stdout).toContain('+ public.orders')
  })

  test('is found from a folder inside, and its globs begin where it is', async () => {
    const it = project({
      'auditrum.config.mjs': "export default { discover: 'src/audit.mjs' }",
      'src/audit.mjs': `export default (audit) => audit.track('orders')`,
      'src/deep/readme': '',
    })
    const { stdout } = await it.shell('cd src/deep && auditrum plan', url)
    expect(stdout).toContain('+ public.orders')
  })

  test('is named by --config', async () => {
    const it = project({ 'config/audit.mjs': `export default { schema: 'trail' }` })
    const { stdout } = await it.cli(['plan', '--config', 'config/audit.mjs'], url)
    expect(stdout).toBe('+ the log trail  the log is not installed\n')
    const none = await it.cli(['plan', '--config', 'config/none.mjs'], url)
    expect(none).toMatchObject({ code: 2, stdout: '' })
    expect(none.stderr).toContain('config/none.mjs')
  })

  test.each([
    ['an unknown option', 'export default { databaseURL: 1 }', 'databaseUrl'],
    ['a syntax error', 'export default { tables: [', 'cannot be read'],
    ['what throws', 'throw new Error("not today")', 'not today'],
    ['tables that are none', 'export default { tables: "orders" }', 'no list'],
    ['no default export', 'export const tables = []', 'no default export'],
    ['no configuration at all', 'export default 7', 'was given 7'],
    [
      'a declaration that contradicts itself',
      `import { track } from 'auditrum'\nexport default { tables: [track('orders', { only: ['a'], exclude: ['b'] })] }`,
      'both only and exclude',
    ],
  ])('with %s is refused in a line', async (_, text, message) => {
    const it = project({ 'auditrum.config.mjs': text })
    const { code, stdout, stderr } = await it.cli(['plan'], url)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(message)
    expect(stderr.trim().split('\n')).toHaveLength(1)
  })

  test('where there is none, nothing is taken for undeclared', async () => {
    for (const args of [
      ['sync', '--prune'],
      ['plan', '--prune'],
      ['plan', '--check'],
    ]) {
      const { code, stdout, stderr } = await project().cli(args, url)
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
      expect(stderr).toContain('There is no configuration here')
    }
  })

  test('status does not advise to stop recording what it only does not know of', async () => {
    const it = project({ 'auditrum.config.json': '{"schema": "known", "tables": ["orders"]}' })
    await it.cli(['sync'], url)
    const blind = await project().cli(['status', '--schema', 'known'], url)
    expect(blind.stdout).toContain('The trail is healthy')
    expect(blind.stdout).not.toContain('prune')
    const other = project({ 'auditrum.config.json': '{"schema": "known"}' })
    expect((await other.cli(['status'], url)).stdout).toContain('no longer declared')
  })

  test('gives the schema and the app; --schema wins', async () => {
    const it = project({
      'auditrum.config.json': '{"schema": "trail", "app": "billing", "tables": ["orders"]}',
    })
    expect((await it.cli(['sync', '--dry-run'], url)).stdout).toContain(
      `SELECT "trail".track('"public"."orders"', '{}', 'billing')`,
    )
    expect((await it.cli(['plan', '--schema', 'other'], url)).stdout).toContain('+ the log other')
  })
})

describe('where the database is', () => {
  const { hostname, port, pathname } = new URL(database.url)
  const nowhere = 'postgres://nobody:geheim@127.0.0.1:1/nothing'
  const reached = { code: 0 }

  test('is said by --database-url, DATABASE_URL, .env, the configuration or PG* variables', async () => {
    const empty = project()
    expect(await empty.cli(['plan', '--database-url', database.url])).toMatchObject(reached)
    expect(await empty.cli(['plan'], url)).toMatchObject(reached)
    expect(await project({ '.env': `DATABASE_URL="${database.url}"` }).cli(['plan'])).toMatchObject(
      reached,
    )
    const config = { 'auditrum.config.json': JSON.stringify({ databaseUrl: database.url }) }
    expect(await project(config).cli(['plan'])).toMatchObject(reached)
    const variables = {
      PGHOST: hostname,
      PGPORT: port,
      PGUSER: 'postgres',
      PGDATABASE: pathname.slice(1),
    }
    expect(await empty.cli(['plan'], variables)).toMatchObject(reached)
  })

  test('the first of these wins', async () => {
    const it = project({
      '.env': `DATABASE_URL=${nowhere}`,
      'auditrum.config.json': JSON.stringify({ databaseUrl: nowhere }),
    })
    expect(await it.cli(['plan'], url)).toMatchObject(reached)
    expect(await it.cli(['plan', '--database-url', database.url])).toMatchObject(reached)
    expect(await it.cli(['plan'])).toMatchObject({ code: 3 })
  })

  test('nowhere: 2, and a line that says what to give', async () => {
    const { code, stderr } = await project().cli(['status'])
    expect(code).toBe(2)
    expect(stderr).toMatch(/^auditrum: Nothing says which database\. .*DATABASE_URL.*\n$/)
  })

  test.each([
    ['that cannot be reached', nowhere, 3, '127.0.0.1:1/nothing'],
    ['that is not there', database.url.replace(/\/[^/]*$/, '/nothing'), 3, 'does not exist'],
    ['of another kind', 'mysql://root:geheim@localhost/shop', 2, 'no URL of PostgreSQL'],
    ['that is no address', 'root:geheim@/shop', 2, 'no URL of PostgreSQL'],
  ])('a database %s: said in a line, without the password', async (_, address, code, message) => {
    const outcome = await project().cli(['status', '--verbose', '--database-url', address])
    expect(outcome).toMatchObject({ code, stdout: '' })
    expect(outcome.stderr).toContain(message)
    expect(outcome.stderr).not.toContain('geheim')
    expect(outcome.stderr).not.toMatch(/\n\s+at /)
  })
})

describe('a command line', () => {
  test.each([
    [['blam', 'orders', '42'], 'Did you mean blame?'],
    [['history', '--limt', '3'], 'Did you mean --limit?'],
    [['blame', 'orders'], "missing required argument 'id'"],
    [['make-migration', '--for', 'rails'], 'Allowed choices are knex, sequelize, sql'],
    [['history', '--limit', 'many'], 'Give a whole number'],
    [['revert'], 'nothing'],
  ])('%j is refused with what to do', async (args, message) => {
    const { code, stdout, stderr } = await project().cli(args, url)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(message)
    expect(stderr).toMatch(/^auditrum: /)
  })

  test('is completed by the shell', async () => {
    const it = project()
    expect((await it.cli(['completion', 'bash'])).stdout).toContain('complete -F')
    expect((await it.cli(['complete', '--', 'bl'])).stdout).toMatch(/^blame\t/)
    expect((await it.cli(['complete', '--', 'history', '--operation', ''])).stdout).toContain(
      'truncate',
    )
  })

  test('a role that may not read the log is 3', async () => {
    const role = await database.role()
    await project().cli(['init-schema'], url)
    const { code, stderr } = await project().cli(['history'], { DATABASE_URL: role.url })
    expect(code).toBe(3)
    expect(stderr).toContain('let_read')
  })

  test('without a log, history says so, with 3', async () => {
    const { code, stderr } = await project().cli(['history', '--schema', 'nowhere'], url)
    expect(code).toBe(3)
    expect(stderr).toMatch(/not installed.*sync/)
  })

  test('a misspelt option does not print what it was given', async () => {
    const { code, stderr } = await project().cli([
      'status',
      '--database-ulr=postgres://a:geheim@h/d',
    ])
    expect(code).toBe(2)
    expect(stderr).toContain("unknown option '--database-ulr=…'")
    expect(stderr).not.toContain('geheim')
  })

  test('--help of each command has examples, --version a version', async () => {
    const it = project()
    const { stdout } = await it.cli(['--help'])
    const names = [...stdout.matchAll(/^ {2}([a-z][a-z-]+) .*$/gm)].map(([, name]) => String(name))
    expect(names.length).toBeGreaterThan(12)
    for (const name of names.filter((each) => !/^(help|completion)$/.test(each))) {
      const help = await it.cli([name, '--help'])
      expect(help.code).toBe(0)
      expect(help.stdout).toMatch(/Examples:\n {2}# /)
    }
    expect(await it.cli(['--version'])).toMatchObject({ code: 0, stdout: '0.0.0\n' })
  })
})

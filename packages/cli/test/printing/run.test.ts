import {
  createDatabase,
  type Pooler,
  pgbouncer,
  type Server,
  startPgBouncer,
  startServer,
} from '@auditrum/testkit'
import { testServer } from '@auditrum/testkit/vitest'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { installed, type Shop, shop } from '../support.js'

let it: Shop
beforeAll(async () => {
  it = await shop()
})

/** The last event of a table. */
async function last(table = 'orders') {
  const { events } = await it.audit.page({ table, limit: 1 })
  return events[0]
}

const update = (status: string) => `update orders set status = '${status}' where id = 42`

describe.skipIf(!installed('psql'))('psql', () => {
  test('writes with the user and the reason', async () => {
    const { code } = await it.shell(
      `auditrum run --user 7 --reason 'ticket 881' -- psql -qc "${update('psql')}"`,
    )
    expect(code).toBe(0)
    expect(await last()).toMatchObject({
      userId: '7',
      changeReason: 'ticket 881',
      source: 'run',
      diff: { status: { new: 'psql' } },
    })
  })

  test('nested: the reasons follow each other, the rest is inherited, the root is one', async () => {
    await it.shell(
      `auditrum run --user 7 --reason release --source deploy -- sh -c '
        psql -qc "${update('outer').replaceAll("'", `'"'"'`)}"
        auditrum run --reason fix -- psql -qc "${update('inner').replaceAll("'", `'"'"'`)}"'`,
    )
    const { events } = await it.audit.page({ table: 'orders', limit: 2 })
    const [inner, outer] = events
    expect(outer).toMatchObject({ userId: '7', changeReason: 'release', source: 'deploy' })
    expect(inner).toMatchObject({ userId: '7', changeReason: 'release -> fix' })
    expect(inner?.context?.rootId).toBe(outer?.context?.rootId)
  })

  test('any metadata is safe', async () => {
    const reason = `it's "quoted" \\ $HOME \`id\` ; -- \n\t -c work_mem=1 é 株 \u001b`
    const metadata = { 'a b': ['\\', "'", { deep: ' ' }], nul: 'x' }
    const { code } = await it.cli([
      ...['run', '--reason', reason, '--metadata', JSON.stringify(metadata)],
      ...['--', 'psql', '-qc', update('hostile')],
    ])
    expect(code).toBe(0)
    const event = await last()
    expect(event?.changeReason).toBe(reason)
    expect(event?.context?.metadata).toMatchObject(metadata)
    expect(event?.context?.error).toBeNull()
  })
})

describe.skipIf(!installed('pg_restore'))('pg_restore', () => {
  let server: Server
  beforeAll(async () => {
    // Debian's pg_dump refuses servers that are newer than itself
    server = await startServer({ version: '15' })
  })
  afterAll(() => server?.stop())

  test('restores rows with a reason', async () => {
    const database = await createDatabase(server)
    await database.query(`
      create table orders (id integer primary key);
      insert into orders select generate_series(1, 100)`)
    const at = { DATABASE_URL: database.url }
    await it.shell(`pg_dump -Fc --data-only -t orders -f orders.dump ${database.url}`)
    await it.cli(['generate-trigger', 'orders'], at)
    await database.query('truncate orders')
    const { code } = await it.shell(
      `auditrum run --reason 'restored' -- pg_restore -d ${database.name} orders.dump`,
      at,
    )
    expect(code).toBe(0)
    const { rows } = await database.query(
      `select change_reason, count(*)::integer from auditrum.auditlog where operation = 'insert' group by 1`,
    )
    expect(rows).toEqual([{ change_reason: 'restored', count: 100 }])
    await database.drop()
  })
})

// Debian's Python, whose packages are Debian's
const python = '/usr/bin/python3'
describe.skipIf(!installed(`${python} && ${python} -c "import psycopg2"`))(
  'a Python script',
  () => {
    test('writes with the reason', async () => {
      const script = `
import psycopg2
with psycopg2.connect("") as connection:
    connection.cursor().execute("${update('python')}")`
      const { code } = await it.cli(['run', '--reason', 'nightly', '--', python, '-c', script])
      expect(code).toBe(0)
      expect(await last()).toMatchObject({
        changeReason: 'nightly',
        diff: { status: { new: 'python' } },
      })
    })
  },
)

test('a script over pg writes with the reason', async () => {
  const script = `
    const { Client } = require('pg')
    const client = new Client()
    client.connect().then(() => client.query(process.argv[1])).then(() => client.end())`
  const node = await it.cli([
    'run',
    '--reason',
    'script',
    '--',
    'node',
    '-e',
    script,
    update('node'),
  ])
  expect(node).toMatchObject({ code: 0, stderr: '' })
  expect(await last()).toMatchObject({ changeReason: 'script', diff: { status: { new: 'node' } } })
})

describe('a program', () => {
  test.each([0, 1, 7, 255])('that exits with %i makes the command exit with it', async (code) => {
    expect(await it.cli(['run', '--', 'sh', '-c', `echo out; echo err >&2; exit ${code}`])).toEqual(
      {
        code,
        signal: null,
        stdout: 'out\n',
        stderr: 'err\n',
      },
    )
  })

  test('that a signal ends, ends the command by that signal', async () => {
    const { code, signal } = await it.cli(['run', '--', 'sh', '-c', 'kill -TERM $$'])
    expect(signal ?? code).toBe('SIGTERM')
  })

  test('gets the signals that the command gets', async () => {
    const { stdout, code } = await it.shell(`
      auditrum run -- sh -c 'trap "echo asked to end; exit 3" TERM; echo ready; while :; do sleep 0.1; done' > out &
      until grep -q ready out; do sleep 0.1; done
      kill -TERM $!
      wait $!; code=$?; cat out; exit $code`)
    expect(stdout).toContain('asked to end')
    expect(code).toBe(3)
  })

  test('that is not there is 127, one that may not be executed 126', async () => {
    const missing = await it.cli(['run', '--', 'no-such-program'])
    expect(missing.code).toBe(127)
    expect(missing.stderr).toContain('cannot be run')
    expect((await it.cli(['run', '--', './.env'])).code).toBe(126)
  })
})

describe('before it starts the program', () => {
  const touch = ['--', 'sh', '-c', 'echo started']

  test('a context that is too large is refused', async () => {
    const { code, stdout, stderr } = await it.cli(['run', '--reason', 'x'.repeat(9000), ...touch])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain('8192')
  })

  test('the program is given the database that was named, and no other', async () => {
    const elsewhere = {
      ...{ PGHOST: 'prod.example', PGPORT: '1', PGUSER: 'other', PGPASSWORD: 'geheim' },
      ...{
        PGDATABASE: 'prod',
        PGHOSTADDR: '10.0.0.1',
        PGSERVICE: 'prod',
        DATABASE_URL: 'postgres://prod',
      },
    }
    const named = new URL(it.database.url)
    named.password = 'own'
    const { stdout } = await it.cli(
      [
        'run',
        '--database-url',
        named.href,
        '--',
        'sh',
        '-c',
        'env | grep -E "^(PG|DATABASE)" | grep -v OPTIONS',
      ],
      elsewhere,
    )
    expect(
      Object.fromEntries(
        stdout
          .trim()
          .split('\n')
          .map((line) => line.split(/=(.*)/).slice(0, 2)),
      ),
    ).toEqual({
      DATABASE_URL: named.href,
      PGHOST: named.hostname,
      PGPORT: named.port,
      PGUSER: 'postgres',
      PGPASSWORD: 'own',
      PGDATABASE: it.database.name,
    })
  })

  test('metadata that are no object are refused', async () => {
    for (const metadata of ['[]', 'ticket', '7']) {
      const { code, stdout } = await it.cli(['run', '--metadata', metadata, ...touch])
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    }
  })

  test('without --, the options are not taken for those of the program', async () => {
    const { code, stdout } = await it.cli(['run', 'sh', '-c', 'echo started'])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  })

  describe.skipIf(!pgbouncer)('a pooler', () => {
    let pooler: Pooler
    beforeAll(async () => {
      pooler = await startPgBouncer(testServer())
    })
    afterAll(() => pooler?.stop())

    test('that refuses the context is said', async () => {
      const { code, stdout, stderr } = await it.cli([
        ...['run', '--database-url', pooler.url(it.database.name), ...touch],
      ])
      expect({ code, stdout }).toEqual({ code: 3, stdout: '' })
      expect(stderr).toMatch(/pooler.*nothing was run/)
    })
  })
})

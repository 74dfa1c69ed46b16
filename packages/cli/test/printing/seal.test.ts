import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { auditrum, track } from '@auditrum/pg'
import { startOwnServer } from '@auditrum/testkit'
import pg from 'pg'
import { beforeAll, expect, test } from 'vitest'
import { project, type Shop, shop } from '../support.js'

let it: Shop
beforeAll(async () => {
  it = await shop()
})

test('a log is sealed, verified, and tampered with', async () => {
  expect(await it.cli(['verify-chain'])).toMatchObject({
    code: 3,
    stdout: '',
    stderr: 'auditrum: This log is not sealed. Run auditrum enable-hash-chain.\n',
  })
  expect(await it.cli(['seal'])).toMatchObject({
    code: 3,
    stderr: expect.stringContaining('enable-hash-chain'),
  })
  expect(await it.cli(['enable-hash-chain', '--dry-run'])).toMatchObject({
    code: 0,
    stdout: 'SELECT "auditrum".enable_sealing();\n',
  })
  expect(await it.cli(['enable-hash-chain'])).toMatchObject({ code: 0, stdout: '' })
  expect((await it.cli(['enable-hash-chain'])).stderr).toBe('It is enabled already.\n')
  await it.pool.query('alter table auditrum.audit_event alter column salt drop default')
  expect((await it.cli(['enable-hash-chain'])).stderr).toMatch(/they carry one again/)
  expect((await it.cli(['enable-hash-chain'])).stderr).toBe('It is enabled already.\n')
  const { rows } = await it.pool.query('select count(*)::int as events from auditrum.audit_event')
  const { events } = rows[0]
  expect(JSON.parse((await it.cli(['seal', '--json'])).stdout)).toEqual({ blocks: 1, events })
  expect((await it.cli(['seal'])).stderr).toBe('Nothing is new.\n')

  const { start } = await it.audit.verifyChain()
  const since = `since ${start?.at.slice(0, 23).replace('T', ' ')}Z\n`
  const fine = { code: 0, stdout: `chain OK: ${events} events verified\n${since}` }
  expect(await it.cli(['verify-chain'])).toMatchObject(fine)
  expect(await it.cli(['verify-chain', '--independent', '--jobs', '2'])).toMatchObject(fine)
  await it.shell('auditrum digest --new-key key.pem')
  await it.shell('auditrum digest --key key.pem --to digests/')
  const outside = ['verify-chain', '--digest', 'digests', '--public-key', 'key.pub']
  expect(await it.cli(outside)).toMatchObject({
    ...fine,
    stdout: `chain OK: ${events} events verified\n1 digest checked\n${since}`,
    stderr: '',
  })
  expect(JSON.parse((await it.cli([...outside, '--json'])).stdout)).toMatchObject({ digests: 1 })
  for (const half of [outside.slice(0, 3), [outside[0] ?? '', ...outside.slice(3)]]) {
    const refused = await it.cli(half)
    expect(refused).toMatchObject({ code: 2, stdout: '' })
    expect(refused.stderr).toMatch(/--digest.*--public-key|--public-key.*--digest/)
  }

  await it.pool.query(`update auditrum.audit_event set db_user = 'x' where id = 3`)
  expect(await it.cli(['verify-chain'])).toMatchObject({
    code: 1,
    stdout: `edited    Event 3, of block 1, or its context is not what was sealed.\nchain BROKEN: 1 problem, ${events - 1} events verified\n${since}`,
  })
  expect(JSON.parse((await it.cli(['verify-chain', '--json'])).stdout)).toMatchObject({
    ok: false,
    problems: [{ kind: 'edited', event: '3', block: '1' }],
  })
  expect(await it.cli(['verify-chain', '--digest', '.', '--public-key', 'key.pub'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('holds no digest'),
  })
  expect((await it.cli(['verify-chain', '--digest', 'nowhere'])).code).toBe(2)
  expect(await it.cli(['prove', '5', '--digest', 'digests'])).toMatchObject({
    code: 2,
    stderr: 'auditrum: A folder was named where a file is read. Name a file in it.\n',
  })
})

test('in parts, it says how far it has come, and a later part that it is one', async () => {
  const other = await shop()
  await other.audit.enableSealing()
  const { rows } = await other.pool.query('select max(id)::text as id from auditrum.audit_event')
  await other.audit.seal()
  const small = await other.cli(['verify-chain', '--verbose'])
  expect(small.stderr).not.toContain('--after')
  await other.pool.query(
    `select setval('auditrum.audit_event_id_seq', 30000); update orders set total = 1 where id = 42`,
  )
  await other.audit.seal()
  const whole = await other.cli(['verify-chain', '--verbose'])
  expect(whole.stderr.match(/Verified up to event .*\n/g)).toEqual([
    'Verified up to event 20000 of 30001: --after 20000 goes on\n',
  ])
  const rest = await other.cli(['verify-chain', '--after', '20000'])
  expect(rest).toMatchObject({ code: 0, stdout: expect.stringMatching(/^chain OK: 1 events/) })
  expect(rest.stdout).toContain('events up to 20000 not looked at')
  await other.pool.query(`delete from auditrum.audit_event where id = ${rows[0].id}`)
  expect((await other.cli(['verify-chain', '--after', '20000'])).code).toBe(0)
  expect((await other.cli(['verify-chain'])).code).toBe(1)
})

test('a chain that was cut is not gone on with, and another one says so for good', async () => {
  const other = await shop()
  await other.audit.enableSealing()
  await other.audit.seal()
  await other.shell('auditrum digest --new-key key.pem; auditrum digest --key key.pem --to old/')
  await other.pool.query('delete from auditrum.audit_seal where id > 0')
  const anew = ['enable-hash-chain', '--anew']
  const reason = ['--reason', `it's lost with disk 3`]
  const refused = await other.cli(['seal', '--json'])
  expect(refused).toMatchObject({ code: 1 })
  expect(refused.stderr).toMatch(/The chain was cut.*auditrum enable-hash-chain --anew --reason/)
  expect(JSON.parse(refused.stdout)).toMatchObject({ error: { code: 'AUDITRUM_INTEGRITY' } })
  for (const half of [anew, [...anew.slice(0, 1), ...reason]])
    expect(await other.cli(half)).toMatchObject({ code: 2, stdout: '' })
  const shown = await other.cli([...anew, ...reason, '--dry-run'])
  expect(shown.stdout).toBe(`SELECT "auditrum".seal_anew('it''s lost with disk 3');\n`)
  expect(await other.cli([...anew, ...reason])).toMatchObject({ code: 0 })
  await other.cli(['seal'])
  const verify = ['verify-chain', '--digest', 'old', '--public-key', 'key.pub']
  const said =
    /^since 20.*: begun anew by role \w+, .* \(it had 1 entry left\): it's lost with disk 3$/m
  for (const [args, code] of [
    [['verify-chain'], 0],
    [verify, 1],
  ] as const) {
    const found = await other.cli(args)
    expect(found).toMatchObject({ code, stdout: expect.stringMatching(said) })
  }
})

test('again and again, until it is told to stop', async () => {
  await it.pool.query('update orders set total = total + 1 where id = 42')
  const { code, stderr } = await it.shell(
    'timeout 4 auditrum seal --every 1s; echo "ended with $?" >&2',
  )
  expect(code).toBe(0)
  expect(stderr).toMatch(
    /^20\d\d-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}Z {2}1 event sealed, in 1 block\.\n[\s\S]*ended with 124\n$/,
  )
  expect(await it.audit.verifyChain()).toMatchObject({ pending: 0 })
})

test('while the database is away they go on, and say so once', async () => {
  const server = await startOwnServer()
  const pool = new pg.Pool({ connectionString: server.url() })
  pool.on('error', () => {})
  try {
    await pool.query('create table orders (id integer primary key)')
    const audit = auditrum(pool, { tables: [track('orders')], maintain: false })
    await audit.sync()
    await audit.enableSealing()
    const here = project({ '.env': `DATABASE_URL=${server.url()}\n` })
    const said = (file: string) => readFileSync(join(here.folder, file), 'utf8')
    const until = async (file: string, what: RegExp) => {
      while (!what.test(said(file))) await new Promise((go) => setTimeout(go, 50))
    }
    for (const file of ['sealed', 'signed', 'lines']) here.write(file, '')
    await here.cli(['digest', '--new-key', 'key.pem'])
    const ended = here.shell(`
      auditrum seal --every 1s 2> sealed & one=$!
      auditrum digest --key key.pem --to kept/ --every 1s 2> signed & two=$!
      auditrum seal --every 1s --json > lines 2> /dev/null & three=$!
      until test -e stop; do sleep 0.1; done; kill $one $two $three; wait $one && wait $two && wait $three`)
    await pool.query('insert into orders values (1)')
    await until('signed', /is kept/)
    await until('lines', /"at"/)

    process.kill(
      Number.parseInt(readFileSync(join(server.dataDirectory, 'postmaster.pid'), 'utf8'), 10),
      'SIGINT',
    )
    for (const file of ['sealed', 'signed', 'lines']) await until(file, /auditrum: |"error"/)
    // three more rounds of it
    await new Promise((go) => setTimeout(go, 3500))
    await server.restart()
    for (const file of ['sealed', 'signed']) await until(file, /It works again/)
    await pool.query('insert into orders values (2)')
    await until('signed', /It works again[\s\S]*is kept/)
    here.write('stop', '')
    expect((await ended).code).toBe(0)

    for (const file of ['sealed', 'signed']) {
      const told = said(file).match(/^auditrum: 20\S+ \S+Z {2}.*$/gm)
      expect({ file, told }).toEqual({ file, told: [expect.stringMatching(/reached|was lost/)] })
    }
    const records = said('lines')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(records.filter(({ error }) => error)).toHaveLength(1)
    expect(await audit.verifyChain()).toMatchObject({ ok: true, verified: 2 })
  } finally {
    await pool.end()
    await server.stop()
  }
})

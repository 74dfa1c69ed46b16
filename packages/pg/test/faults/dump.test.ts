import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Auditrum, withContext } from '@auditrum/core'
import { installedVersions, type OwnServer, startOwnServer, type Version } from '@auditrum/testkit'
import pg from 'pg'
import { test as always, expect, onTestFinished } from 'vitest'
import { auditrum } from '../../src/index.js'
import { expectWhole, isNewest, prepare, quiet, version } from './load.js'

const major = Number(/\d+/.exec(spawnSync('pg_dump', ['--version']).stdout?.toString() ?? '')?.[0])
// pg_dump reads no server that is newer than itself
const source = installedVersions().findLast((each) => Number(each) <= major)
if (!source) process.stderr.write('No pg_dump for these servers: its tests are SKIPPED.\n')
const test = always.runIf(isNewest && source)

function run(program: string, args: readonly string[]) {
  const { status, stderr } = spawnSync(program, args, { encoding: 'utf8' })
  expect({ program, status, stderr }).toEqual({ program, status: 0, stderr: '' })
}

async function started(which: Version | undefined): Promise<OwnServer> {
  const server = await startOwnServer({ version: which })
  onTestFinished(() => server.stop())
  return server
}

async function poolOf(server: OwnServer) {
  const pool = quiet(new pg.Pool({ connectionString: server.url(), max: 2 }))
  onTestFinished(() => pool.end())
  const audit = auditrum(pool, { maintain: false })
  onTestFinished(() => audit.close())
  const write = (user: string, number: string) =>
    withContext({ user_id: user }, () =>
      pool.query('insert into transfers (number, writer) values ($1, $2)', [number, user]),
    )
  return { pool, audit, write }
}

/** Uses up transaction ids. */
async function spend(pool: pg.Pool, number: number): Promise<void> {
  const body = `begin for i in 1 .. ${number} loop perform pg_current_xact_id(); commit; end loop; end`
  await pool.query(`do '${body}'`)
}

test('dumped and restored into a newer server, the log is whole, and goes on', async () => {
  const [old, fresh] = await Promise.all([started(source), started(version)])
  await prepare(old)
  const before = await poolOf(old)
  await spend(before.pool, 4000)
  for (const user of ['ann', 'bob', 'carl']) await before.write(user, `by ${user}`)
  await before.audit.enableSealing()
  await before.audit.seal()
  await before.write('carl', 'not sealed before')
  const { events: told } = await before.audit.page({ table: 'transfers' })

  const file = join(tmpdir(), `auditrum-${process.pid}.dump`)
  onTestFinished(() => rmSync(file, { force: true }))
  run('pg_dump', ['--format=custom', '--file', file, old.url()])
  run('pg_restore', ['--dbname', fresh.url(), '--exit-on-error', '--single-transaction', file])

  const after = await poolOf(fresh)
  const rows = ['by ann', 'by bob', 'by carl', 'not sealed before']
  // the chain is whole; what is new in another cluster, its transaction ids do not tell
  const expectPending = async (audit: Auditrum, pending: number) => {
    for (const independent of [false, true]) {
      expect(await audit.verifyChain({ independent })).toMatchObject({ ok: true, pending })
    }
  }
  await expectPending(after.audit, 1)
  await expect(after.audit.seal()).rejects.toThrow(/another cluster/)
  await expectWhole(fresh, rows)
  expect((await after.audit.page({ table: 'transfers' })).events).toEqual(told)
  expect(
    (await after.audit.status()).findings.filter(({ severity }) => severity === 'error'),
  ).toEqual([])

  // transaction ids start again: those of then lie ahead, and are met again; nobody is taken for somebody else
  const { rows: then } = await after.pool.query(
    'select min(txid::text::int) as first, max(txid::text::int) as last from auditrum.audit_event where table_id = 2',
  )
  const now = async () =>
    (await after.pool.query('select pg_current_xact_id()::text::int as now')).rows[0].now
  let number = 0
  const write = () => after.write('dora', `by dora ${++number}`)
  await write()
  await expectPending(after.audit, 2)
  const client = await after.pool.connect()
  await client.query('begin; select auditrum.seal_rebase()')
  await expectPending(new Auditrum(client), 2)
  await client.query('select auditrum.seal_block(1)')
  await expectPending(new Auditrum(client), 1)
  await client.query('rollback')
  client.release()
  expect(await after.audit.seal({ rebase: true })).toMatchObject({ events: 2 })
  expect(await now()).toBeLessThan(then[0].first)
  await expectWhole(fresh, rows)
  await spend(after.pool, then[0].first - (await now()) - 4)
  while ((await now()) <= then[0].last) {
    await write()
    await write()
  }
  await expectWhole(fresh, rows)
  await after.audit.seal()
  const { rows: log } = await after.pool.query(
    'select count(*)::int as events from auditrum.audit_event',
  )
  for (const independent of [false, true]) {
    expect(await after.audit.verifyChain({ independent })).toMatchObject({
      ok: true,
      pending: 0,
      verified: log[0].events,
    })
  }
  const met = await after.pool.query(
    'select txid from auditrum.audit_event group by txid having count(distinct context_id) > 1',
  )
  expect(met.rowCount).toBeGreaterThan(0)
  const { events } = await after.audit.page({ table: 'transfers', user: 'dora' })
  expect(events).toHaveLength(number)
  expect(BigInt(events[0]?.id ?? 0) > BigInt(told[0]?.id ?? 0)).toBe(true)
  expect(
    (await after.audit.page({ table: 'transfers', transaction: String(told[0]?.transactionId) }))
      .events,
  ).toEqual([told[0]])
  // as of a moment in the old server
  const writers: unknown[] = []
  for await (const { writer } of await after.audit.tableAsOf('transfers', {
    event: String(told[2]?.id),
  }))
    writers.push(writer)
  expect(writers).toEqual(['ann', 'bob'])
})

test('a table that is restored from an older dump is not what the log says', async () => {
  const server = await started(source)
  await prepare(server)
  const { pool, audit, write } = await poolOf(server)
  await write('ann', 'one')
  const file = join(tmpdir(), `auditrum-${process.pid}-table.dump`)
  onTestFinished(() => rmSync(file, { force: true }))
  run('pg_dump', [
    '--format=custom',
    '--data-only',
    '--table=transfers',
    '--file',
    file,
    server.url(),
  ])
  await write('bob', 'two')
  await pool.query(
    'alter table transfers disable trigger all; delete from transfers; alter table transfers enable trigger all',
  )
  run('pg_restore', ['--dbname', server.url(), '--disable-triggers', '--data-only', file])
  const { ok, tables } = await audit.verifyTables('transfers')
  expect(ok).toBe(false)
  expect(tables[0]?.problems.map(({ kind, id }) => `${kind} ${id}`)).toEqual(['unlogged_delete 2'])
})

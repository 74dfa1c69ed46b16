import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { withContext } from '@auditrum/core'
import {
  installedVersions,
  type OwnServer,
  startOwnServer,
  supportedVersions,
} from '@auditrum/testkit'
import pg from 'pg'
import { test as always, expect, onTestFinished } from 'vitest'
import { auditrum } from '../../src/index.js'
import { expectWhole, isNewest, prepare, quiet } from './load.js'

// The npm packages have no pg_upgrade; Debian's has, of one version, and upgrades from the one before it.
const debian = '/usr/lib/postgresql'
const target = existsSync(debian)
  ? supportedVersions.findLast((each) => existsSync(join(debian, each, 'bin', 'pg_upgrade')))
  : undefined
const source = installedVersions().findLast((each) => Number(each) < Number(target))
if (isNewest && !source) {
  process.stderr.write('No pg_upgrade of a PostgreSQL server package: its test is SKIPPED.\n')
}
const test = always.runIf(isNewest && source && target)

const bin = join(debian, String(target), 'bin')

/**
 * The programs of the old version that pg_upgrade asks for. Two are not in the npm package. The newer pg_controldata
 * reads the old control file, whose format is the same; and what `pg_resetwal -n` would say is in there, too.
 */
function oldPrograms(directory: string, binaries: string): string {
  const folder = join(directory, 'old-bin')
  mkdirSync(folder)
  for (const program of readdirSync(binaries))
    symlinkSync(join(binaries, program), join(folder, program))
  symlinkSync(join(bin, 'pg_controldata'), join(folder, 'pg_controldata'))
  const reset = join(folder, 'pg_resetwal')
  writeFileSync(
    reset,
    `#!/bin/sh
case "$1" in
  -n) exec "${bin}/pg_controldata" "$2" | sed "s/^Latest checkpoint's REDO WAL file:/First log segment after reset:/" ;;
  *) exec "${bin}/pg_resetwal" "$@" ;;
esac
`,
  )
  chmodSync(reset, 0o755)
  return folder
}

async function clientOf(server: OwnServer) {
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

test('upgraded in place, the log is whole, and goes on', { timeout: 120_000 }, async () => {
  const old = await startOwnServer({ version: source, locale: 'C' })
  onTestFinished(() => old.stop())
  await prepare(old)
  const before = await clientOf(old)
  for (const user of ['ann', 'bob']) await before.write(user, `by ${user}`)
  await before.audit.enableSealing()
  await before.audit.seal()
  const { events: told } = await before.audit.page({ table: 'transfers' })
  const binaries = dirname(realpathSync(`/proc/${old.pid}/exe`))
  await old.kill('SIGINT')
  while (existsSync(join(old.dataDirectory, 'postmaster.pid'))) await sleep(20)

  const directory = mkdtempSync(join(tmpdir(), 'auditrum-upgrade-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  const { uid, gid } = statSync(old.dataDirectory)
  chownSync(directory, uid, gid)
  // whoever may not run PostgreSQL may not upgrade it, either
  const run = (program: string, args: readonly string[]) => {
    const { status, stdout, stderr } = spawnSync(join(bin, program), args, {
      cwd: directory,
      encoding: 'utf8',
      env: { ...process.env, LC_ALL: 'C' },
      ...(process.getuid?.() === 0 && { uid, gid }),
    })
    expect({ program, status, output: stdout + stderr }).toMatchObject({ status: 0 })
  }
  const data = join(directory, 'new')
  run('initdb', ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale', 'C'])
  const from = ['-b', oldPrograms(directory, binaries), '-d', old.dataDirectory]
  run('pg_upgrade', ['-U', 'postgres', '-s', directory, ...from, '-B', bin, '-D', data])

  // laid out as an npm package is
  symlinkSync(join(debian, String(target)), join(directory, 'native'))
  const fresh = await startOwnServer({ version: target, binaries: directory, copyOf: data })
  onTestFinished(() => fresh.stop())
  const after = await clientOf(fresh)
  const { rows } = await after.pool.query('show server_version')
  expect(rows[0].server_version).toMatch(new RegExp(`^${target}`))
  await expectWhole(fresh, ['by ann', 'by bob'])
  expect((await after.audit.page({ table: 'transfers' })).events).toEqual(told)
  const { findings } = await after.audit.status()
  expect(findings.filter(({ severity }) => severity === 'error')).toEqual([])
  await after.write('carl', 'by carl')
  await expectWhole(fresh, ['by ann', 'by bob', 'by carl'])
  const { events } = await after.audit.page({ table: 'transfers', user: 'carl' })
  expect(events).toHaveLength(1)
  expect(BigInt(events[0]?.id ?? 0) > BigInt(told[0]?.id ?? 0)).toBe(true)
  // transaction ids go on, too
  const { rows: last } = await after.pool.query(
    'select txid::text::int from auditrum.audit_event order by id desc limit 2',
  )
  expect(last[0].txid).toBeGreaterThan(last[1].txid)

  await expect(after.audit.seal()).rejects.toThrow(/--rebase/)
  await after.audit.seal({ rebase: true })
  expect(await after.audit.verifyChain()).toMatchObject({ ok: true, pending: 0 })
})

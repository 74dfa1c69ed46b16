import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'

const scratch = mkdtempSync(join(tmpdir(), 'auditrum-bench-'))
afterAll(() => rmSync(scratch, { recursive: true }))

function bench(...args: string[]) {
  return spawnSync(
    'npm',
    ['run', '--silent', 'bench', '--', '--quick', '--version', '18', ...args],
    {
      cwd: new URL('../', import.meta.url),
      encoding: 'utf8',
      shell: process.platform === 'win32',
    },
  )
}

test('a quick run measures every candidate, a peer from a file included', () => {
  const file = join(scratch, 'peer.sql')
  writeFileSync(
    file,
    '-- log: peer_log\nCREATE TABLE peer_log (id integer);\nCOMMENT ON TABLE :table IS NULL;\n',
  )
  const { status, stdout, stderr } = bench('--peer', `mine=${file}`)
  expect(stderr).toBe('')
  expect(status).toBe(0)
  expect(stdout).toMatch(
    /\| workload \| none \| bare \| audit-trigger \| mine \| auditrum \| auditrum, image: 'changed' \|/,
  )
  expect(stdout.match(/^\| 300 B: (loop|bulk) (insert|update|delete) \|/gm)).toHaveLength(6)
  // the whole document in every event, or the counter alone
  const wal = /^\| 300 KB document: bytes of WAL, update \|.*\| (\d+)[^|]*\| (\d+)[^|]*\|$/m.exec(
    stdout,
  )
  expect(Number(wal?.[1])).toBeGreaterThan(10 * Number(wal?.[2]))
})

test('the context is measured against pg alone, and other ways to send it', () => {
  const { status, stdout, stderr } = spawnSync(
    'npm',
    ['run', '--silent', 'bench:context', '--', '--quick', '--version', '18'],
    {
      cwd: new URL('../', import.meta.url),
      encoding: 'utf8',
      shell: process.platform === 'win32',
    },
  )
  expect(stderr).toBe('')
  expect(status).toBe(0)
  expect(
    stdout.match(
      /^\| (autocommit|transaction), [01] ms network, (1|20) at once \| \d+ \(100 %\)/gm,
    ),
  ).toHaveLength(8)
})

test.each([
  ['bench:memory', /^\| stream \| 20000 \|/gm, 1],
  ['bench:scale', /^\| [^|]+ \| [\d.]+ \| [\d.]+ \| [\d.]+ \|$/gm, 15],
  ['bench:seal', /^\| [^|]+( \| [\d.]+( ms)?){4,5} \|$/gm, 10],
])('%s runs', (script, line, count) => {
  const { status, stdout, stderr } = spawnSync(
    'npm',
    ['run', '--silent', script, '--', '--quick', '--version', '18'],
    {
      cwd: new URL('../', import.meta.url),
      encoding: 'utf8',
      shell: process.platform === 'win32',
    },
  )
  expect(stderr).toBe('')
  expect(status).toBe(0)
  expect(stdout.match(line)).toHaveLength(count)
})

test('a load loses, invents and misattributes nothing', () => {
  const { status, stdout } = spawnSync(
    'npm',
    ['run', '--silent', 'load', '--', '--quick', '--version', '18'],
    {
      cwd: new URL('../', import.meta.url),
      encoding: 'utf8',
      shell: process.platform === 'win32',
    },
  )
  expect(stdout).toMatch(
    /^\| lost \| surplus \| orphaned \| misattributed \| different \|\n.*\n(\| 0 ){5}\|$/m,
  )
  expect(status).toBe(0)
})

test('a peer that does not name its log is refused with what to do', () => {
  const file = join(scratch, 'broken.sql')
  writeFileSync(file, 'CREATE TABLE x (id integer);\n')
  const { status, stderr } = bench('--peer', `mine=${file}`)
  expect(status).not.toBe(0)
  expect(stderr).toMatch(
    /does not begin with "-- log: schema\.table, …"\. Name the tables of its log there/,
  )
})

import { spawnSync } from 'node:child_process'
import { chownSync, mkdtempSync, renameSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { withContext } from '@auditrum/core'
import { type OwnServer, startOwnServer } from '@auditrum/testkit'
import pg from 'pg'
import { test as always, expect, onTestFinished } from 'vitest'
import { auditrum } from '../../src/index.js'
import { expectWhole, isNewest, prepare, quiet, version } from './load.js'

const test = always.runIf(isNewest)

const MEGABYTE = 1024 ** 2
const settings = { synchronous_commit: 'on', autovacuum: 'off' }

/** A disk of its own, if this process may mount one. */
function mount(directory: string, megabytes: number): boolean {
  return (
    spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'auditrum', directory])
      .status === 0
  )
}

function unmount(directory: string) {
  spawnSync('umount', ['--lazy', directory])
}

function grow(directory: string) {
  expect(spawnSync('mount', ['-o', 'remount,size=500m', directory]).status).toBe(0)
}

const canMount = (() => {
  if (!isNewest) return false
  const directory = mkdtempSync(join(tmpdir(), 'auditrum-mount-'))
  const isMounted = mount(directory, 1)
  unmount(directory)
  rmSync(directory, { recursive: true, force: true })
  if (!isMounted)
    process.stderr.write('No right to mount a small disk: tests of a full one are SKIPPED.\n')
  return isMounted
})()

const testOnDisk = always.runIf(canMount)

function smallDisk(megabytes: number): string {
  const directory = mkdtempSync(join(tmpdir(), 'auditrum-disk-'))
  expect(mount(directory, megabytes)).toBe(true)
  onTestFinished(() => {
    unmount(directory)
    rmSync(directory, { recursive: true, force: true })
  })
  return directory
}

async function started(prepareData?: (data: string) => void): Promise<OwnServer> {
  const server = await startOwnServer({ version, settings, prepare: prepareData })
  onTestFinished(() => server.stop())
  await prepare(server)
  return server
}

/** A client that writes a lot until it is refused, and what it was told was committed. */
function writer(server: OwnServer) {
  const pool = quiet(new pg.Pool({ connectionString: server.url(), max: 1 }))
  const audit = auditrum(pool, { maintain: false })
  onTestFinished(async () => {
    audit.close()
    await pool.end()
  })
  const told: string[] = []
  const write = async (key: string) => {
    await withContext({ user_id: 'ann' }, () =>
      pool.query(
        'insert into transfers (number, writer) select $1 || n, $2 from generate_series(1, 2000) as n',
        [key, 'ann'],
      ),
    )
    told.push(`${key}1`, `${key}2000`)
  }
  return {
    pool,
    told,
    write,
    async untilRefused(): Promise<Error & { code?: string }> {
      for (let number = 0; number < 100; number++) {
        try {
          await write(`before ${number} `)
        } catch (error) {
          expect(number).toBeGreaterThan(0)
          return error as Error
        }
      }
      throw new Error('There was space for everything.')
    },
    /** Nothing is lost, no half of a statement is there, and it goes on. */
    async expectWholeAgain() {
      await expectWhole(server, told)
      const { rows } = await pool.query('select count(*)::int % 2000 as halves from transfers')
      expect(rows).toEqual([{ halves: 0 }])
      await write('after ')
      await expectWhole(server, told)
    },
  }
}

test('where no file may grow further, writes are refused with a reason, nothing is lost, and it goes on', async () => {
  const server = await started()
  // files of the log and of the write-ahead log are the largest: the latter have their full size at once
  await server.restart(settings, 16 * MEGABYTE)
  const { write, untilRefused, expectWholeAgain } = writer(server)
  // PostgreSQL has a code of its own for a full disk (53100) alone
  const refusal = await untilRefused()
  expect(refusal).toMatchObject({ code: 'XX000' })
  expect(String(refusal)).toMatch(/could not extend file .*: File too large/)
  // what is refused with the log is refused in the table, in the same transaction
  await expect(write('while ')).rejects.toMatchObject({ code: expect.any(String) })

  await server.restart(settings)
  await expectWholeAgain()
})

testOnDisk(
  'where the disk of the log is full, writes are refused until there is space, reads are not',
  async () => {
    const server = await started()
    const { pool, write, untilRefused, expectWholeAgain } = writer(server)
    const disk = smallDisk(6)
    const { uid, gid } = statSync(server.dataDirectory)
    chownSync(disk, uid, gid)
    await pool.query(`create tablespace small location '${disk}'`)
    const { rows: partitions } = await pool.query(
      `select inhrelid::regclass as name from pg_inherits where inhparent = 'auditrum.audit_event'::regclass`,
    )
    for (const { name } of partitions) await pool.query(`alter table ${name} set tablespace small`)
    const refusal = await untilRefused()
    expect(refusal).toMatchObject({ code: '53100' })
    expect(String(refusal)).toMatch(/could not extend file .*: No space left on device/)
    await expect(write('while ')).rejects.toMatchObject({ code: '53100' })
    // what needs no event goes on
    const { rows } = await pool.query('select count(*)::int % 2000 as halves from transfers')
    expect(rows).toEqual([{ halves: 0 }])

    grow(disk)
    await expectWholeAgain()
  },
)

testOnDisk(
  'where the disk of the write-ahead log is full, PostgreSQL stops; with space it starts, and nothing is lost',
  async () => {
    const disk = smallDisk(40)
    const server = await started((data) => {
      const { uid, gid } = statSync(data)
      chownSync(disk, uid, gid)
      const [own, moved] = [join(data, 'pg_wal'), join(disk, 'pg_wal')]
      expect(spawnSync('cp', ['-a', own, moved]).status).toBe(0)
      renameSync(own, `${own}.empty`)
      symlinkSync(moved, own)
    })
    const { write, untilRefused, expectWholeAgain } = writer(server)
    await untilRefused()
    // it may recover for a moment first, and ends over the same
    for (let number = 0; ; number++) {
      const error = await write(`again ${number} `).catch((failure) => failure)
      if (error?.code === 'ECONNREFUSED') break
      await sleep(20)
    }

    grow(disk)
    await server.restart(settings)
    await expectWholeAgain()
  },
)

import {
  chmodSync,
  chownSync,
  existsSync,
  mkdtempSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { withContext } from '@auditrum/core'
import { type OwnServer, type Server, startOwnServer } from '@auditrum/testkit'
import pg from 'pg'
import { test as always, expect, onTestFinished } from 'vitest'
import { auditrum } from '../../src/index.js'
import { expectWhole, isNewest, prepare, version } from './load.js'

const test = always.runIf(isNewest)

const settings = { wal_level: 'replica', hot_standby: 'on', synchronous_commit: 'on' }

async function clientOf(server: Server): Promise<pg.Client> {
  const client = new pg.Client(server.url())
  client.on('error', () => {})
  await client.connect()
  onTestFinished(() => client.end().catch(() => {}))
  return client
}

async function started(options: Parameters<typeof startOwnServer>[0]): Promise<OwnServer> {
  const server = await startOwnServer({ version, ...options })
  onTestFinished(() => server.stop())
  return server
}

/**
 * Another server from a backup of one that runs.
 *
 * @param meanwhile What happens after the backup and before the other server starts; gives its files.
 */
async function fromBackup(
  primary: OwnServer,
  more: Readonly<Record<string, string>>,
  meanwhile: () => Promise<Readonly<Record<string, string>>>,
): Promise<OwnServer> {
  const client = await clientOf(primary)
  const isNewer = Number(primary.version) >= 15
  await client.query(
    isNewer
      ? `select pg_backup_start('test', true)`
      : `select pg_start_backup('test', true, false)`,
  )
  return started({
    settings: { ...settings, ...more },
    copyOf: primary.dataDirectory,
    prepare: async (data) => {
      const stop = isNewer ? 'pg_backup_stop(false)' : 'pg_stop_backup(false, false)'
      const { rows } = await client.query(`select labelfile from ${stop}`)
      write(data, 'backup_label', rows[0].labelfile)
      for (const [name, text] of Object.entries(await meanwhile())) write(data, name, text)
    },
  })
}

function write(data: string, name: string, text: string) {
  const path = join(data, name)
  writeFileSync(path, text)
  const { uid, gid } = statSync(data)
  chownSync(path, uid, gid)
}

/** A write by somebody, and the whole of it. */
async function insert(client: pg.Client, number: string, writer: string) {
  const audit = auditrum(client, { maintain: false })
  await withContext({ user_id: writer }, () =>
    client.query('insert into transfers (number, writer) values ($1, $2)', [number, writer]),
  )
  audit.close()
}

test('a standby can be asked; promoted, it goes on recording', async () => {
  const primary = await started({ settings })
  await prepare(primary)
  const writer = await clientOf(primary)
  await insert(writer, 'one', 'ann')
  const sealer = auditrum(writer, { maintain: false })
  await sealer.enableSealing()
  await sealer.seal()
  sealer.close()
  const standby = await fromBackup(
    primary,
    { primary_conninfo: `host=127.0.0.1 port=${primary.port} user=postgres` },
    async () => ({ 'standby.signal': '' }),
  )
  await insert(writer, 'two', 'bob')
  const reader = await clientOf(standby)
  const position = (await writer.query('select pg_current_wal_flush_lsn()::text as at')).rows[0].at
  while (
    !(await reader.query('select pg_last_wal_replay_lsn() >= $1::pg_lsn as is_there', [position]))
      .rows[0].is_there
  ) {
    await sleep(20)
  }
  const audit = auditrum(writer, { reader, maintain: false })
  const { events } = await audit.page({ table: 'transfers', limit: 1 })
  expect(events[0]).toMatchObject({ userId: 'bob', new: { number: 'two' } })
  await expectWhole(standby, ['one', 'two'])

  await primary.kill('SIGKILL')
  await reader.query('select pg_promote(true)')
  await insert(reader, 'three', 'carl')
  await expectWhole(standby, ['one', 'two', 'three'])
  const { rows } = await reader.query(
    'select id, new_data from auditrum.auditlog order by id desc limit 2',
  )
  expect(rows[0].new_data.number).toBe('three')
  expect(BigInt(rows[0].id) > BigInt(rows[1].id)).toBe(true)

  // the chain goes on: what was not sealed before, and what came since
  const promoted = auditrum(reader, { maintain: false })
  expect(await promoted.verifyChain()).toMatchObject({ ok: true, pending: 2 })
  expect(await promoted.seal()).toMatchObject({ blocks: 1 })
  expect(await promoted.verifyChain()).toMatchObject({ ok: true, pending: 0 })
})

test('recovered to a moment, the log and the tables are of that moment, and go on from there', async () => {
  const archive = mkdtempSync(join(tmpdir(), 'auditrum-archive-'))
  onTestFinished(() => rmSync(archive, { recursive: true }))
  chmodSync(archive, 0o777)
  const archived = { archive_mode: 'on', archive_command: `cp %p ${archive}/%f` }
  const primary = await started({ settings: { ...settings, ...archived } })
  await prepare(primary)
  const writer = await clientOf(primary)
  await insert(writer, 'before the backup', 'ann')
  const recovery = { restore_command: `cp ${archive}/%f %p`, recovery_target_action: 'promote' }
  const recovered = await fromBackup(primary, recovery, async () => {
    await insert(writer, 'before the accident', 'bob')
    const { rows } = await writer.query(`select clock_timestamp()::text as at, pg_sleep(0.05)`)
    await insert(writer, 'the accident', 'carl')
    const last = await writer.query('select pg_walfile_name(pg_switch_wal()) as name')
    while (!existsSync(join(archive, last.rows[0].name))) await sleep(20)
    return {
      'recovery.signal': '',
      'postgresql.auto.conf': `recovery_target_time = '${rows[0].at}'\n`,
    }
  })
  const client = await clientOf(recovered)
  while ((await client.query('select pg_is_in_recovery() as is_busy')).rows[0].is_busy)
    await sleep(20)
  const numbers = async () =>
    (await client.query('select number from transfers order by id')).rows.map(
      ({ number }) => number,
    )
  expect(await numbers()).toEqual(['before the backup', 'before the accident'])
  await expectWhole(recovered, ['before the backup', 'before the accident'])
  await insert(client, 'after', 'dora')
  await expectWhole(recovered, ['before the backup', 'before the accident', 'after'])
})

import { withContext } from '@auditrum/core'
import { startOwnServer } from '@auditrum/testkit'
import pg from 'pg'
import { test as always, expect, onTestFinished } from 'vitest'
import { auditrum } from '../../src/index.js'
import { expectWhole, isNewest, prepare, quiet, version } from './load.js'

const test = always.runIf(isNewest)

const MEGABYTE = 1024 ** 2

test('where no file may grow further, writes are refused with a reason, nothing is lost, and it goes on', async () => {
  const settings = { synchronous_commit: 'on', autovacuum: 'off' }
  const server = await startOwnServer({ version, settings })
  onTestFinished(() => server.stop())
  await prepare(server)
  // files of the log and of the write-ahead log are the largest: the latter have their full size at once
  await server.restart(settings, 16 * MEGABYTE)
  const pool = quiet(new pg.Pool({ connectionString: server.url(), max: 1 }))
  const audit = auditrum(pool, { maintain: false })
  onTestFinished(() => audit.close())
  const told: string[] = []
  const write = async (key: string) => {
    await withContext({ user_id: 'ann' }, () =>
      pool.query(
        'insert into transfers (number, writer) select $1 || n, $2 from generate_series(1, 4000) as n',
        [key, 'ann'],
      ),
    )
    told.push(`${key}1`, `${key}4000`)
  }
  let refusal: unknown
  for (let number = 0; number < 100 && !refusal; number++) {
    await write(`before ${number} `).catch((error: unknown) => {
      refusal = error
    })
  }
  // PostgreSQL has a code of its own for a full disk (53100) alone
  expect(refusal).toMatchObject({ code: 'XX000' })
  expect(String(refusal)).toMatch(/could not extend file .*: File too large/)
  expect(told.length).toBeGreaterThan(0)

  // what is refused with the log is refused in the table, in the same transaction
  const again = await write('while ').catch((error: unknown) => error)
  expect(again).toMatchObject({ code: expect.any(String) })

  await server.restart(settings)
  await expectWhole(server, told)
  const { rows } = await pool.query('select count(*)::int % 4000 as halves from transfers')
  expect(rows).toEqual([{ halves: 0 }])
  await write('after ')
  await expectWhole(server, told)
  await pool.end()
})

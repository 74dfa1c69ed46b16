import { readFileSync } from 'node:fs'
import { testDatabase } from '@auditrum/testkit/vitest'
import { expect, test } from 'vitest'
import { Auditrum, track } from '../../src/index.js'

const tables = [track('orders', { exclude: ['card'], ignore: ['updated_at'] })]

/** A pg_dump of a database with a log of that version and four events in it. */
async function dumpOf(version: number) {
  const database = await testDatabase()
  const client = await database.client()
  await client.query(
    readFileSync(new URL(`../fixtures/schema-${version}.sql`, import.meta.url), 'utf8'),
  )
  return database
}

test.for([1])('a log of version %i is upgraded, and its history goes on', async (version) => {
  const database = await dumpOf(version)
  const audit = new Auditrum(database, { tables })
  await audit.sync()
  expect(await audit.sync()).toMatchObject({ unchanged: ['public.orders'] })
  expect(await audit.status()).toMatchObject({ ok: true, version: 1 })

  await database.query(`update orders set status = 'shipped', card = 'other'`)
  const { events } = await audit.page({ table: 'orders', order: 'asc' })
  expect(events.map(({ operation, objectId, userId }) => [operation, objectId, userId])).toEqual([
    ['insert', '1', '7'],
    ['insert', '2', '7'],
    ['update', '1', '7'],
    ['delete', '2', null],
    ['update', '1', null],
  ])
  expect(events.at(-1)).toMatchObject({ diff: { status: { old: 'paid', new: 'shipped' } } })
  expect(JSON.stringify(events)).not.toMatch(/secret|other/)
  expect(Number(events[4]?.id)).toBeGreaterThan(Number(events[3]?.id))
})

test('an older version is a reason to update, said by plan and status', async () => {
  const database = await dumpOf(1)
  await database.query(`comment on schema auditrum is 'auditrum schema version 0'`)
  const audit = new Auditrum(database, { tables })
  expect((await audit.plan())[0]).toMatchObject({
    action: 'update',
    reasons: ['the log has version 0, not 1'],
  })
  expect((await audit.status()).findings).toContainEqual(
    expect.objectContaining({ code: 'log_outdated' }),
  )
  await audit.sync()
  expect((await audit.status()).version).toBe(1)
})

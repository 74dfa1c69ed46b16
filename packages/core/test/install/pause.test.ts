import { testDatabase } from '@auditrum/testkit/vitest'
import { beforeAll, describe, expect, test } from 'vitest'
import { Auditrum, track } from '../../src/index.js'

describe('recording', () => {
  let audit: Auditrum
  const database = testDatabase()
  beforeAll(async () => {
    await (await database).query(`
      create table orders (id int primary key, status text);
      create table visits (id int, at date, primary key (id, at)) partition by range (at);
      create table visits_2026 partition of visits for values from ('2026-01-01') to ('2027-01-01')`)
    audit = new Auditrum(await (await database).client(), {
      tables: [track('orders'), track('visits')],
    })
    await audit.sync()
  })
  const write = async (id: number) => {
    await (await database).query(`
      insert into orders values (${id}, 'new');
      insert into visits values (${id}, '2026-11-25');
      insert into visits_2026 values (${id + 100}, '2026-11-25')`)
  }
  const recorded = async () => {
    const { events } = await audit.page({ operation: 'insert', order: 'asc' })
    return events.map(({ table, objectId }) => `${table} ${objectId}`)
  }

  test('cannot be paused where nobody has allowed it', async () => {
    const error = await audit.pause().catch((reason) => reason)
    expect(error.code).toBe('AUDITRUM_USAGE')
    expect(error.message).toMatch(
      /may not be paused in the database .* let the owner of the log run/,
    )
    await write(1)
    expect(await recorded()).toHaveLength(3)
  })

  test('is allowed to be by the owner of the log alone, and status says so', async () => {
    const role = await (await database).role()
    await (await database).query(`grant usage on schema auditrum to ${role.name}`)
    const stranger = new Auditrum(await role.client())
    await expect(stranger.allowPausing()).rejects.toMatchObject({ code: 'AUDITRUM_SCHEMA' })
    await audit.allowPausing()
    const { findings } = await audit.status()
    expect(findings[0]).toMatchObject({ code: 'pausing_allowed', severity: 'warning' })
  })

  test('is off for every connection, partitions included, and on again', async () => {
    const before = await recorded()
    await audit.pause()
    await audit.pause()
    await write(2)
    expect(await recorded()).toEqual(before)
    const { ok, findings } = await audit.status()
    expect(ok).toBe(false)
    expect(findings.filter(({ code }) => code === 'trigger_disabled').length).toBeGreaterThan(3)

    await audit.resume()
    await audit.resume()
    await write(3)
    expect((await recorded()).slice(before.length)).toEqual([
      'orders 3',
      'visits [3, "2026-11-25"]',
      'visits [103, "2026-11-25"]',
    ])
    const status = await audit.status()
    expect(status.ok).toBe(true)
    expect(status.tables.map(({ gaps }) => gaps)).toEqual([1, 1])
  })

  test('is not paused while somebody writes, who would else be the victim', async () => {
    const writer = await (await database).client()
    await writer.query(`begin; insert into orders values (50, 'new')`)
    await expect(audit.pause()).rejects.toThrow('while somebody writes to')
    await writer.query(`insert into visits values (50, '2026-11-25'); rollback`)
    expect((await audit.status()).ok).toBe(true)
  })

  test('that is paused goes on with the next sync', async () => {
    const before = await recorded()
    await audit.pause()
    expect((await audit.sync()).updated).toEqual(['public.orders', 'public.visits'])
    await write(4)
    expect(await recorded()).toHaveLength(before.length + 3)
    expect((await audit.status()).ok).toBe(true)
  })

  test('goes on where a transaction that paused it is rolled back', async () => {
    const client = await (await database).client()
    await client.query('begin')
    await audit.on(client).pause()
    await client.query('rollback')
    const before = await recorded()
    await write(5)
    expect(await recorded()).toHaveLength(before.length + 3)
  })
})

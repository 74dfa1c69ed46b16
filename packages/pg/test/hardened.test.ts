import { track, withContext } from '@auditrum/core'
import { expect, test } from 'vitest'
import { auditrum } from '../src/index.js'
import { shop } from './support.js'

test('a pool of a role without any right on the log is recorded, with its contexts', async () => {
  const it = await shop()
  const app = await it.database.role()
  await it.database.query(`grant select, insert, update on orders to ${app.name}`)
  const hardening = await it.audit.harden({ appRole: app.name })
  expect(hardening).toMatchObject({ ok: true, gaps: [] })

  const pool = app.pool()
  const audit = auditrum(pool, { tables: [track('orders')], maintain: false })
  expect(await audit.sync()).toMatchObject({ unchanged: ['public.orders'] })
  expect(await audit.status()).toMatchObject({ ok: true })
  await Promise.all(
    ['anna', 'bob', 'cleo'].map((user_id) =>
      withContext({ user_id }, () =>
        pool.query('insert into orders (note) values ($1)', [user_id]),
      ),
    ),
  )
  const client = await pool.connect()
  await withContext({ user_id: 'dora' }, async () => {
    await client.query('begin')
    await client.query(`update orders set note = 'all'`)
    await client.query('commit')
  })
  client.release()
  expect((await it.users()).sort()).toEqual(['anna', 'bob', 'cleo', 'dora', 'dora', 'dora'])
  await expect(pool.query('select from auditrum.auditlog')).rejects.toThrow('permission denied')
  audit.close()

  // it starts again between a migration and the sync of the deployment
  await it.database.query('alter table orders add total numeric')
  const heard: string[] = []
  const restarted = auditrum(pool, {
    tables: [track('orders')],
    maintain: false,
    onError: ({ message }) => heard.push(message),
  })
  expect(await restarted.sync()).toMatchObject({ pending: ['public.orders'] })
  expect(heard).toEqual([
    expect.stringMatching(/public\.orders.*run sync as postgres, in the deployment/),
  ])
  restarted.close()
})

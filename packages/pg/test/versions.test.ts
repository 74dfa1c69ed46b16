import { install } from '@auditrum/testkit'
import { afterAll, expect, test } from 'vitest'
import { shop } from './support.js'

type Package = typeof import('../src/index.js')

function installed(version: string): Package {
  const installation = install(version, ['core', 'pg'])
  afterAll(installation.remove)
  return installation.require('@auditrum/pg') as Package
}

test('two installed versions share contexts, and a pool wrapped by both sends each once', async () => {
  const it = await shop()
  const older = installed('1.0.0')
  const newer = installed('2.0.0')
  expect(older.withContext).not.toBe(newer.withContext)
  const insert = 'insert into orders (note) values ($1)'

  const pool = it.database.pool()
  const first = older.auditrum(pool, { maintain: false })
  expect(() => newer.auditrum(pool, { carry: 'all' })).toThrow('another copy of this package')
  const second = newer.auditrum(pool, { maintain: false })
  await newer.withContext({ user_id: 'anna' }, () => pool.query(insert, ['x']))
  await older.withContext({ username: 'Ben' }, () =>
    newer.withContext({ user_id: 'ben' }, async () => {
      older.amendContext({ source: 'older' })
      await pool.query(insert, ['x'])
    }),
  )
  second.close()
  await newer.withContext({ user_id: 'cleo' }, () => pool.query(insert, ['x']))
  first.close()
  await newer.withContext({ user_id: 'nobody' }, () => pool.query(insert, ['x']))

  expect(await it.users()).toEqual(['anna', 'ben', 'cleo', null])
  const { events } = await it.audit.page({ user: 'ben' })
  expect(events[0]?.context?.metadata).toEqual({
    user_id: 'ben',
    username: 'Ben',
    source: 'older',
  })
})

import { execFile } from 'node:child_process'
import { createRequire } from 'node:module'
import type pg from 'pg'
import { describe, expect, test } from 'vitest'
import { auditrum, withContext } from '../src/index.js'
import { attribute } from './attribution.js'
import { shop } from './support.js'

const text = 'insert into orders (note) values ($1)'

describe('every event has its own user', () => {
  test('10,000 callers at once on a pool of 5, in every calling style', async () => {
    await attribute(await shop({ max: 5 }), 10_000)
  })

  test('200 callers on one pipelined connection', async () => {
    const it = await shop()
    const piped = await it.database.client({ pipeline: true } as pg.ClientConfig)
    const audit = auditrum(piped, { maintain: false })
    await Promise.all(
      Array.from({ length: 200 }, (_, n) =>
        withContext({ user_id: `user ${n}` }, () => piped.query(text, [`user ${n}`])),
      ),
    )
    audit.close()
    expect(await it.users()).toEqual(Array.from({ length: 200 }, (_, n) => `user ${n}`))
  })

  test('a process that is killed in the middle leaves nothing behind', async () => {
    const it = await shop()
    const script = `
      const pg = require('pg'); const { auditrum, withContext } = require('@auditrum/pg')
      const pool = new pg.Pool({ connectionString: process.argv[1], max: 1 })
      auditrum(pool, { maintain: false })
      withContext({ user_id: 'gone' }, async () => {
        const client = await pool.connect()
        await client.query('begin')
        await client.query("insert into orders (note) values ('x')")
        process.kill(process.pid, 'SIGKILL')
      })`
    await new Promise((resolve) => {
      execFile(
        process.execPath,
        ['-e', script, it.database.url],
        { cwd: import.meta.dirname },
        resolve,
      )
    })
    await it.pool.query(text, ['alive'])
    expect(await it.users()).toEqual([null])
  })
})

test('the ESM copy and the CommonJS copy of the package share the context', async () => {
  const it = await shop()
  const copies: typeof import('../src/index.js')[] = [
    await import('@auditrum/pg'),
    createRequire(import.meta.url)('@auditrum/pg'),
  ]
  expect(copies[0]?.withContext).not.toBe(copies[1]?.withContext)
  for (const [index, copy] of copies.entries()) {
    await copy.withContext({ user_id: `copy ${index}` }, () => it.pool.query(text, ['x']))
  }
  // and a pool that one has wrapped is not wrapped by the other
  copies[1]?.auditrum(it.pool, { maintain: false })
  await withContext({ user_id: 'once' }, () => it.pool.query(text, ['x']))
  expect(await it.users()).toEqual(['copy 0', 'copy 1', 'once'])
})

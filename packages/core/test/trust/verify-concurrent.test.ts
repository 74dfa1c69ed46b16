import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { Auditrum } from '../../src/index.js'
import { auditedDatabase } from '../support.js'

const database = await auditedDatabase()
const audit = new Auditrum(database)
const { query, tracked } = database

test.each([
  ['truncated', 'truncate', 0],
  ['rewritten', 'alter table %s alter a type bigint', 2],
  ['updated', 'update %s set a = 5', 2],
])('a table that is %s while somebody waits to compare it is in order', async (name, sql, rows) => {
  await tracked(name, `create table ${name} (id int primary key, a int)`)
  await query(`insert into ${name} values (1, 1), (2, 2)`)
  const [other, reader] = [await database.client(), await database.client()]
  await other.query('begin')
  await other.query(sql.includes('%s') ? sql.replace('%s', name) : `${sql} ${name}`)
  const { rows: own } = await reader.query('select pg_backend_pid() as pid')
  let isDone = false
  const answer = new Auditrum(reader).verifyTables(name).finally(() => {
    isDone = true
  })
  // an update makes nobody wait
  const isWaiting = async () =>
    (await query('select from pg_locks where pid = $1 and not granted', [own[0].pid])).rowCount ===
    1
  while (!isDone && !(await isWaiting())) await sleep(5)
  await other.query('commit')
  expect(await answer).toMatchObject({ ok: true, tables: [{ rows, verified: rows }] })
})

test('who keeps a snapshot of before a truncation is told to take a new one', async () => {
  await tracked('kept', 'create table kept (id int primary key)')
  await query('insert into kept values (1)')
  const reader = await database.client()
  const reading = new Auditrum(reader)
  await reader.query('begin isolation level repeatable read')
  expect(await reading.verifyTables('kept')).toMatchObject({ ok: true, tables: [{ rows: 1 }] })
  await reader.query('commit')

  await reader.query('begin isolation level repeatable read')
  await reader.query('select')
  await query('truncate kept')
  await expect(reading.verifyTables('kept')).rejects.toMatchObject({
    code: 'AUDITRUM_USAGE',
    message: expect.stringContaining('Compare it in a new transaction.'),
  })
  await reader.query('rollback')
  expect(await reading.verifyTables('kept')).toMatchObject({ ok: true, tables: [{ rows: 0 }] })
})

test('a table that is written to, altered and emptied all the time is in order whenever it is compared', async () => {
  await tracked(
    'busy',
    `create table busy (id int primary key, a int, b text) partition by range (id);
     create table busy_1 partition of busy for values from (0) to (50);
     create table busy_2 partition of busy for values from (50) to (100)`,
  )
  let isStopped = false
  const writing = Array.from({ length: 4 }, async (_, index) => {
    const client = await database.client()
    await client.query(`set deadlock_timeout = '20ms'`)
    for (let number = index * 1000; !isStopped; number++) {
      const id = (number * 31) % 100
      const sql = [
        `insert into busy (id, a) values (${id}, ${number}) on conflict do nothing`,
        `update busy set a = a + 1, b = 'of ${number}' where id between ${id} and ${id + 5}`,
        `update busy set id = 99 - ${id} where id = ${id} and not exists (select from busy where id = 99 - ${id})`,
        `delete from busy where id = ${id}`,
        `begin; insert into busy (id, a) values (${id}, 0) on conflict do nothing; update busy set a = 1 where id = ${id}; rollback`,
        index === 0 && number % 3 === 0 ? 'truncate busy' : 'select',
        index === 1 && number % 3 === 0
          ? `alter table busy alter b type ${number % 2 ? 'varchar' : 'text'}`
          : 'select',
      ][number % 7] as string
      // of two that change the same rows one may lose: a deadlock, a key that is taken, a row that moved
      await client.query(sql).catch(async (error: { code?: string }) => {
        if (!['40P01', '40001', '23505'].includes(String(error.code))) throw error
        await client.query('rollback')
      })
    }
  })
  const failure = Promise.all(writing).then(
    () => undefined,
    (error: unknown) => error,
  )
  let seen = 0
  for (let round = 0; round < 60; round++) {
    const { ok, tables } = await audit.verifyTables('busy')
    expect({ round, ok, problems: tables[0]?.problems }).toEqual({ round, ok: true, problems: [] })
    seen += Number(tables[0]?.rows)
  }
  isStopped = true
  expect(await failure).toBeUndefined()
  expect(seen).toBeGreaterThan(0)
  const { rows } = await query('select count(*)::int as number from auditrum.audit_event')
  expect(rows[0]?.number).toBeGreaterThan(100)
})

import { expect, test } from 'vitest'
import { Auditrum, type Moment, type Queryable } from '../../src/index.js'
import { type AuditedDatabase, auditedDatabase } from '../support.js'

/** Accounts with 100 each, more than two pages of them. */
async function accounts(key = 'int'): Promise<AuditedDatabase> {
  const database = await auditedDatabase()
  await database.tracked(
    'accounts',
    `create table accounts (id ${key} primary key, balance int not null);
    insert into accounts select n, 100 from generate_series(1, 2500) as n`,
  )
  return database
}

interface Account {
  id: number
  balance: number
}

/** Reads a table, and acts in front of each statement after the first. */
async function readWhile(
  database: Queryable,
  at: Moment,
  act: (statement: number) => Promise<unknown>,
): Promise<Account[]> {
  let count = 0
  const slow: Queryable = {
    async query(text, values) {
      if (count++ > 0) await act(count)
      return database.query(text, values)
    },
  }
  const rows: Account[] = []
  for await (const row of new Auditrum(slow).tableAsOf<Account>('accounts', at)) rows.push(row)
  return rows
}

const initial = Array.from({ length: 2500 }, (_, index) => ({ id: index + 1, balance: 100 }))

test('pages are of one moment, whatever is committed between them', async () => {
  const database = await accounts()
  const other = await database.client()
  // under way before the moment and the first page, committed between pages
  await other.query('begin; update accounts set balance = balance - 1 where id in (1, 2400)')
  await database.query('select pg_sleep(0.01)')
  const at = new Date()
  const rows = await readWhile(database, at, async (statement) => {
    if (statement === 3)
      await other.query('update accounts set balance = balance + 2 where id = 2401; commit')
    await database.query(`
      update accounts set balance = balance + 1 where id % 7 = 0;
      delete from accounts where id = ${2000 + statement};
      update accounts set id = id + 10000 where id between ${2100 + 10 * statement} and ${2105 + 10 * statement};
      update accounts set id = -id where id between ${1500 + 10 * statement} and ${1505 + 10 * statement};
      insert into accounts values (${5000 + statement}, 0), (${-5000 - statement}, 0)`)
  })
  expect(rows).toEqual(initial)
  const after = await readWhile(database, new Date(Date.now() + 60_000), async () => undefined)
  expect(after).toEqual((await database.query('select * from accounts order by id')).rows)
})

test('so they are when several writers are at it all the time', async () => {
  const database = await accounts()
  let done = false
  const writers = [1, 2, 3].map(async (seed) => {
    const client = await database.client()
    for (let n = seed; !done; n += 1) {
      const [from, to] = [1 + ((n * 7919) % 2500), 1 + ((n * 104_729) % 2500)]
      const amount = n % 13
      await client.query('begin')
      await client.query('update accounts set balance = balance - $1 where id = $2', [
        amount,
        Math.min(from, to),
      ])
      await client.query('update accounts set balance = balance + $1 where id = $2', [
        amount,
        Math.max(from, to),
      ])
      await client.query('commit')
    }
  })
  try {
    for (let round = 0; round < 5; round++) {
      const rows = await readWhile(database, new Date(), async () => undefined)
      expect(rows).toHaveLength(2500)
      expect(rows.reduce((sum, { balance }) => sum + balance, 0)).toBe(250_000)
      const again = await readWhile(database, new Date(Date.now() - 50), async () => undefined)
      expect(again.reduce((sum, { balance }) => sum + balance, 0)).toBe(250_000)
    }
  } finally {
    done = true
    await Promise.all(writers)
  }
})

test('a table that is truncated between two pages is refused', async () => {
  const database = await accounts()
  await expect(
    readWhile(database, new Date(), async (statement) => {
      if (statement === 3) await database.query('truncate accounts')
    }),
  ).rejects.toMatchObject({
    code: 'AUDITRUM_CONFLICT',
    message: expect.stringMatching(/Begin again/),
  })
})

test('keys of text are paged in the order of their collation, long ones behind', async () => {
  const database = await accounts('text')
  await database.query(`insert into accounts values (repeat('x', 2500), 1), (repeat('y', 2500), 2)`)
  const at = new Date(Date.now() + 5)
  await database.query('select pg_sleep(0.02)')
  await database.query(
    "update accounts set balance = 0; delete from accounts where length(id) > 2000 or id > '3'",
  )
  const rows: unknown[] = []
  for await (const row of new Auditrum(database).tableAsOf('accounts', at)) rows.push(row)
  await database.query(`create table copy (id text primary key, balance int);
    insert into copy select n::text, 100 from generate_series(1, 2500) as n`)
  expect(rows.slice(0, 2500)).toEqual((await database.query('select * from copy order by id')).rows)
  expect(rows.slice(2500)).toEqual(
    expect.arrayContaining([
      { id: 'x'.repeat(2500), balance: 1 },
      { id: 'y'.repeat(2500), balance: 2 },
    ]),
  )
  expect(rows).toHaveLength(2502)
})

test('a driver that streams is asked once', async () => {
  const database = await accounts()
  const statements: string[] = []
  const streaming: Queryable = {
    query: (text, values) => database.query(text, values),
    async *stream(text, values) {
      statements.push(text)
      yield* (await database.query(text, values)).rows
    },
  }
  let count = 0
  for await (const _ of new Auditrum(streaming).tableAsOf('accounts', new Date())) count++
  expect(count).toBe(2500)
  expect(statements).toHaveLength(1)
})

import { withContext } from '@auditrum/core'
import { expect, test } from 'vitest'
import { shop } from '../support.js'

// What a transaction that fails leaves in the log: nothing; and what follows on its connection is whole.

const it = await shop()
const { pool, audit, database } = it
await pool.query('insert into orders values (1), (2)')

async function twoClients() {
  const [one, other] = [await pool.connect(), await pool.connect()]
  await one.query('begin')
  await other.query('begin')
  return {
    one,
    other,
    async end() {
      for (const client of [one, other]) {
        await client.query('rollback')
        client.release()
      }
    },
  }
}

const as = <T>(user: string, act: () => Promise<T>) => withContext({ user_id: user }, act)

async function expectWhole() {
  expect(await audit.verifyTables('orders')).toMatchObject({ ok: true })
}

test.each([
  ['lock_timeout', '55P03'],
  ['statement_timeout', '57014'],
])(
  'after a %s nothing of the statement is in the log, and the next one is',
  async (setting, code) => {
    await it.users()
    const { one, other, end } = await twoClients()
    await as('ann', () => one.query(`update orders set note = 'ann ${setting}' where id = 1`))
    await other.query(`set local ${setting} = '50ms'`)
    await other.query('savepoint before')
    await expect(
      as('bob', () => other.query(`update orders set note = 'bob'`)),
    ).rejects.toMatchObject({ code })
    await other.query('rollback to before')
    await as('carl', () => other.query(`update orders set note = 'carl ${setting}' where id = 2`))
    await one.query('commit')
    await other.query('commit')
    await end()
    expect((await it.users()).sort()).toEqual(['ann', 'carl'])
    await expectWhole()
  },
)

test('of a deadlock one transaction is in the log, the other not; tried again, it is', async () => {
  await it.users()
  const { one, other, end } = await twoClients()
  const write = (client: typeof one, user: string, id: number) =>
    as(user, () => client.query('update orders set note = $2 where id = $1', [id, `${user} ${id}`]))
  await write(one, 'ann', 1)
  await write(other, 'bob', 2)
  const results = await Promise.allSettled([
    write(one, 'ann', 2).then(() => one.query('commit')),
    write(other, 'bob', 1).then(() => other.query('commit')),
  ])
  await end()
  const failed = results.findIndex(({ status }) => status === 'rejected')
  expect(results[failed]).toMatchObject({ reason: { code: '40P01' } })
  expect(results[1 - failed]).toMatchObject({ status: 'fulfilled' })
  const [loser, winner] = failed === 0 ? ['ann', 'bob'] : ['bob', 'ann']
  expect(await it.users()).toEqual([winner, winner])
  await as(loser, () => pool.query(`update orders set note = 'again'`))
  expect(await it.users()).toEqual([loser, loser])
  await expectWhole()
})

test('serialization failures are tried again: each success has its event, no failure has', async () => {
  await pool.query('create table counters (id int primary key, value int)')
  await pool.query(`select auditrum.track('counters')`)
  await pool.query('insert into counters values (1, 0)')
  await it.users()
  let failures = 0
  const increment = async (user: string): Promise<void> => {
    const client = await pool.connect()
    try {
      await client.query('begin isolation level serializable')
      const { rows } = await client.query('select value from counters')
      await as(user, () => client.query('update counters set value = $1', [rows[0].value + 1]))
      await client.query('commit')
      return
    } catch (error) {
      expect(error).toMatchObject({ code: '40001' })
      failures += 1
      await client.query('rollback')
    } finally {
      client.release()
    }
    return increment(user)
  }
  const users = ['ann', 'bob', 'carl', 'dora', 'emil', 'fritz']
  await Promise.all(users.map(increment))
  expect(failures).toBeGreaterThan(0)
  expect((await it.users()).sort()).toEqual(users)
  const { rows } = await pool.query('select value from counters')
  expect(rows).toEqual([{ value: users.length }])
  expect(await audit.verifyTables('counters')).toMatchObject({
    ok: true,
    tables: [{ complete: true }],
  })
})

test('two phases: what is prepared is in the log when it is committed, by whom it was written', async () => {
  await it.users()
  const prepare = async (user: string, id: number) => {
    const client = await pool.connect()
    await client.query('begin')
    await as(user, () =>
      client.query(`update orders set note = 'prepared by ' || $1 where id = $2`, [user, id]),
    )
    await client.query(`prepare transaction '${database.name} ${user}'`)
    client.release()
  }
  await prepare('ann', 1)
  await prepare('bob', 2)
  expect(await it.users()).toEqual([])
  await expectWhole()
  // the coordinator is another connection, in a context of its own
  await as('coordinator', async () => {
    await pool.query(`commit prepared '${database.name} ann'`)
    await pool.query(`rollback prepared '${database.name} bob'`)
  })
  const { events } = await audit.page({ table: 'orders', limit: 1 })
  expect(events[0]).toMatchObject({ userId: 'ann', new: { note: 'prepared by ann' } })
  await as('carl', () => pool.query(`update orders set note = 'after' where id = 2`))
  const { rows } = await pool.query(
    `select user_id from auditrum.auditlog where new_data ->> 'note' in ('after', 'prepared by ann', 'prepared by bob')`,
  )
  expect(rows.map(({ user_id }) => user_id).sort()).toEqual(['ann', 'carl'])
  await expectWhole()
})

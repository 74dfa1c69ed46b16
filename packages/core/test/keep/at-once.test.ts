import type pg from 'pg'
import { expect, test } from 'vitest'
import { Auditrum } from '../../src/index.js'
import { auditedDatabase } from '../support.js'
import { age, splitByYear } from './support.js'

const rounds = Number(process.env.AUDITRUM_PURGE_ROUNDS ?? 3)
const options = { olderThan: '20 months', dropPartitions: true }
const sleep = (most: number) => new Promise((resolve) => setTimeout(resolve, Math.random() * most))

test.for(Array.from({ length: rounds }, (_, round) => round))(
  'purges, housekeeping, erasing, sealing and verifying at once, some of them killed: round %i',
  async (round) => {
    const database = await auditedDatabase()
    await database.query('select auditrum.enable_sealing()')
    await database.tracked('orders', 'create table orders (id integer primary key, note text)', {
      retention: '20 months',
    })
    for (const years of [3, 2, 1, 0]) {
      await database.query(`
        insert into orders select ${1000 * years} + n, 'told by ' || n from generate_series(1, 100) as n;
        update auditrum.audit_table set tracked = '{[2020-01-01,)}'`)
      if (years > 0)
        await age(database, `${years} years`, `event.changed_at > now() - interval '10 days'`)
    }
    await splitByYear(database)
    const audit = new Auditrum(database.pool())
    await audit.seal()

    let isOver = false
    const always = async (work: (client: pg.Client) => Promise<unknown>) => {
      const client = await database.client()
      while (!isOver) await work(client)
    }
    let written = 0
    const users = [
      always((client) => client.query('insert into orders values ($1)', [++written + 10_000])),
      always(async (client) => {
        await client.query('begin; select count(*) from auditrum.auditlog')
        await sleep(100)
        await client.query('commit')
      }),
    ]
    const keepers = Array.from({ length: 6 }, async (_, number) => {
      const client = await database.client()
      client.on('error', () => {})
      const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
      const own = new Auditrum(client)
      const isVictim = round % 3 === 0 && number < 2
      await sleep(30)
      const work = (number % 2 === 0 ? own.purge(options) : own.maintain()).catch((error) => {
        // on a slow machine the others may be at it for longer than one waits
        if (!isVictim && !/lock timeout|held a lock|let go of/.test(String(error))) throw error
      })
      if (isVictim) {
        await sleep(100)
        await database.query('select pg_terminate_backend($1)', [rows[0]?.pid])
      }
      return work
    })
    const erase = async () => {
      for (const id of [1001, 2001, 3001, 1002, 2002, 3002]) {
        await sleep(30)
        const erasing = audit.erase({ table: 'orders', id }, { reason: 'asked to', context: true })
        await erasing.catch((error) => {
          if (!/letting go of/.test(String(error))) throw error
        })
      }
    }
    const trust = async () => {
      for (let time = 0; time < 4; time++) {
        await audit.seal()
        const independent = time % 2 === 0
        expect(await audit.verifyChain({ independent })).toMatchObject({ ok: true, problems: [] })
      }
    }
    await Promise.all([...keepers, erase(), trust()])
    isOver = true
    await Promise.all(users)

    while ((await audit.maintain()).purge);
    const { rows } = await database.query(`
      select (select count(*)::integer from auditrum.audit_event) as events,
        (select sum(events)::integer from auditrum.purges) as purged,
        (select count(*)::integer from auditrum.purges where finished_at is null) as pending`)
    expect(rows).toEqual([{ events: 200 + written, purged: 200, pending: 0 }])
    await audit.seal()
    for (const independent of [false, true])
      expect(await audit.verifyChain({ independent })).toMatchObject({ ok: true, retired: 200 })
  },
)

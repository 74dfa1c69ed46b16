import { track, withContext } from '@auditrum/core'
import { installedVersions, type OwnServer, type Version } from '@auditrum/testkit'
import { testServer } from '@auditrum/testkit/vitest'
import pg from 'pg'
import { expect } from 'vitest'
import { auditrum } from '../../src/index.js'

/** The version that these tests run on. */
export const version = testServer().version as Version

/** Tests that start servers of their own run on the newest version alone: once is enough. */
export const isNewest: boolean = version === installedVersions().at(-1)

/** A table whose rows name who wrote them last, as the log should. */
export async function prepare(server: OwnServer): Promise<void> {
  const pool = quiet(new pg.Pool({ connectionString: server.url() }))
  const audit = auditrum(pool, {
    tables: [track('accounts'), track('transfers')],
    maintain: false,
  })
  await pool.query(`
    create table accounts (id int primary key, balance int not null, writer text);
    create table transfers (id bigserial primary key, number text unique, writer text)`)
  await audit.sync()
  await pool.query(`insert into accounts select n, 100, null from generate_series(1, 20) as n`)
  audit.close()
  await pool.end()
}

/** Errors of connections that are killed are expected. */
export function quiet(pool: pg.Pool): pg.Pool {
  const ignore = () => {}
  pool.on('error', ignore)
  pool.on('connect', (client) => client.on('error', ignore))
  return pool
}

/** Clients that write under their own names until they are stopped, and what they were told was committed. */
export function load(server: OwnServer, clients: number, round: number) {
  const committed: string[] = []
  let isStopped = false
  let failures = 0
  const pool = quiet(new pg.Pool({ connectionString: server.url(), max: clients }))
  const audit = auditrum(pool, { maintain: false })
  const work = async (name: string) => {
    for (let number = 0; !isStopped; number++) {
      const key = `${round} ${name} ${number}`
      try {
        await withContext({ user_id: name }, () => write(pool, name, key, number))
        committed.push(key)
      } catch {
        failures += 1
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
    }
  }
  const all = Array.from({ length: clients }, (_, index) => work(`client ${index}`))
  return {
    committed,
    async stop() {
      isStopped = true
      await Promise.all(all)
      audit.close()
      await pool.end()
      return { committed, failures }
    },
  }
}

async function write(pool: pg.Pool, name: string, key: string, number: number): Promise<void> {
  if (number % 3 === 0) {
    // one statement, one implicit transaction
    await pool.query('insert into transfers (number, writer) values ($1, $2)', [key, name])
    return
  }
  const client = await pool.connect()
  let error: Error | undefined
  try {
    await client.query('begin')
    await client.query('insert into transfers (number, writer) values ($1, $2)', [key, name])
    // in the order of the keys, so that nobody waits in a circle
    for (const id of [1 + (number % 10), 11 + (number % 10)]) {
      await client.query('update accounts set balance = balance + $3, writer = $2 where id = $1', [
        id,
        name,
        id <= 10 ? 1 : -1,
      ])
    }
    await client.query('commit')
  } catch (failure) {
    error = failure as Error
    throw failure
  } finally {
    client.release(error)
  }
}

/** No change without its event, no event without its change, none by somebody else, and nothing lost. */
export async function expectWhole(
  server: OwnServer,
  committed: readonly string[],
): Promise<number> {
  const client = new pg.Client(server.url())
  await client.connect()
  try {
    const audit = auditrum(client, { maintain: false })
    expect(await audit.verifyTables()).toMatchObject({
      ok: true,
      tables: [
        { unknown: 0, partial: 0, complete: true },
        { unknown: 0, partial: 0, complete: true },
      ],
    })
    const { rows } = await client.query(
      `
      select
        (select count(*)::int from unnest($1::text[]) as told where not exists (select from transfers where number = told)) as lost,
        (select count(*)::int from auditrum.auditlog where user_id is distinct from new_data ->> 'writer') as misattributed,
        (select count(*)::int from auditrum.audit_event as event where not exists (
          select from auditrum.audit_context as context where context.id = event.context_id and context.txid = event.txid
        )) as without_context,
        (select count(*)::int - count(distinct object_id)::int from auditrum.auditlog where table_name = 'transfers') as twice,
        (select sum(balance)::int from accounts) as money,
        (select count(*)::int from auditrum.auditlog) as events`,
      [committed],
    )
    const { events, ...faults } = rows[0]
    expect(faults).toEqual({ lost: 0, misattributed: 0, without_context: 0, twice: 0, money: 2000 })
    return events
  } finally {
    await client.end()
  }
}

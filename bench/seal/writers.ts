import { randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { Auditrum, schemaSql, track, trackingSql } from '@auditrum/core'
import type { Server } from '@auditrum/testkit'
import pg from 'pg'
import { median } from '../report.ts'
import { bulk, createTable, rowKinds } from '../workloads.ts'

/** How many write at a time, and what else each does in its transaction, in milliseconds. */
const loads = [1, 4, 16].flatMap((clients) => [0, 5].map((work) => ({ clients, work })))
const ROWS = 1000

export interface Sizes {
  readonly rounds: number
  /** How long each load runs, with sealing and without. */
  readonly seconds: number
}

/**
 * Transactions per second with a sealer every second and without sealing, and the median of the ratios of
 * runs one after the other: [clients, work, off, on, on / off].
 */
export async function writers(server: Server, { rounds, seconds }: Sizes): Promise<string[][]> {
  const off = await database(server, 'unsealed')
  const on = await database(server, 'sealed')
  const sealer = new pg.Client(on)
  await sealer.connect()
  const audit = new Auditrum(sealer)
  await audit.enableSealing()
  const figures = loads.map(() => ({ off: [] as number[], on: [] as number[] }))
  for (let round = 0; round < rounds; round++) {
    for (const [index, load] of loads.entries()) {
      const pair = figures[index]
      const runs = [
        async () => pair?.off.push(await rate(off, load, seconds)),
        async () => pair?.on.push(await sealing(audit, () => rate(on, load, seconds))),
      ]
      for (const run of (round + index) % 2 === 0 ? runs : runs.reverse()) await run()
    }
  }
  await sealer.end()
  return loads.map(({ clients, work }, index) => {
    const { off = [], on = [] } = figures[index] ?? {}
    const ratio = median(on.map((value, round) => value / (off[round] ?? Number.NaN)))
    const shown = [median(off), median(on)].map((value) => value.toFixed(0))
    return [String(clients), `${work} ms`, ...shown, ratio.toFixed(3)]
  })
}

async function database(server: Server, name: string): Promise<string> {
  const admin = new pg.Client(server.url())
  await admin.connect()
  await admin.query(`create database ${name}`)
  await admin.end()
  const client = new pg.Client(server.url(name))
  await client.connect()
  await client.query('set client_min_messages = warning')
  await client.query(schemaSql())
  await createTable(client, { table: 'orders' })
  await client.query(trackingSql(track('orders')))
  await bulk(client, 'orders', rowKinds[0] as (typeof rowKinds)[0], 'insert', ROWS)
  await client.end()
  return server.url(name)
}

/** What runs while the log is sealed every second. */
async function sealing<T>(audit: Auditrum, run: () => Promise<T>): Promise<T> {
  const stop = new AbortController()
  const sealer = (async () => {
    while (!stop.signal.aborted) {
      await audit.seal()
      await wait(1000, undefined, { signal: stop.signal }).catch(() => undefined)
    }
  })()
  try {
    return await run()
  } finally {
    stop.abort()
    await sealer
  }
}

/** Updates of one row each, in transactions of their own with a context of its own. */
async function rate(
  url: string,
  { clients, work }: (typeof loads)[number],
  seconds: number,
): Promise<number> {
  const pool = await Promise.all(
    Array.from({ length: clients }, async () => {
      const client = new pg.Client(url)
      await client.connect()
      await client.query('set synchronous_commit = off')
      return client
    }),
  )
  let done = 0
  const start = performance.now()
  await Promise.all(
    pool.map(async (client, number) => {
      for (let index = number; performance.now() - start < seconds * 1000; index += clients) {
        await client.query(transaction(index, work))
        done += 1
      }
    }),
  )
  const taken = (performance.now() - start) / 1000
  await Promise.all(pool.map((client) => client.end()))
  return done / taken
}

function transaction(index: number, work: number): string {
  const id = randomUUID()
  const metadata = { user_id: index, change_reason: 'payment received', request_id: id }
  const context = JSON.stringify({ v: 1, id, root: id, metadata })
  const other = work === 0 ? '' : `; select pg_sleep(${work / 1000})`
  return `select set_config('auditrum.context', '${context}', true); update orders set counter = counter + 1 where id = ${1 + (index % ROWS)}${other}`
}

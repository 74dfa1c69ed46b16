// What it costs to send a context along: node-postgres alone, with @auditrum/pg, and the two ways in
// which applications do it by hand. The table is not tracked: only the way to it is measured.
import { randomUUID } from 'node:crypto'
import { parseArgs } from 'node:util'
import { auditrum, withContext } from '@auditrum/pg'
import { startServer, type Version } from '@auditrum/testkit'
import pg from 'pg'
import { delayed } from './delay.ts'
import { median, table } from './report.ts'

const { values } = parseArgs({
  options: {
    version: { type: 'string', default: '17' },
    rounds: { type: 'string' },
    quick: { type: 'boolean', default: false },
  },
})
const rounds = Number(values.rounds ?? (values.quick ? 1 : 7))
const seconds = values.quick ? 0.05 : 1.5

const update = 'update counters set n = n + 1 where id = $1'
const setting = () => {
  const id = randomUUID()
  const metadata = { user_id: 7, change_reason: 'payment received', request_id: id, source: 'web' }
  return JSON.stringify({ v: 1, id, root: id, metadata })
}
type Work = (pool: pg.Pool, id: number) => Promise<unknown>
const inTransaction =
  (...first: ((client: pg.PoolClient) => Promise<unknown>)[]): Work =>
  async (pool, id) => {
    const client = await pool.connect()
    try {
      await client.query('begin')
      for (const step of first) await step(client)
      await client.query('select n from counters where id = $1', [id])
      await client.query(update, [id])
      await client.query('commit')
    } finally {
      client.release()
    }
  }
const setLocal = (client: pg.PoolClient) =>
  client.query(`select set_config('auditrum.context', $1, true)`, [setting()])
const carried =
  (work: Work): Work =>
  (pool, id) =>
    withContext(
      { user_id: 7, change_reason: 'payment received', request_id: randomUUID(), source: 'web' },
      () => work(pool, id),
    )

const autocommit: Work = (pool, id) => pool.query(update, [id])
const workloads: Record<string, Record<string, Work>> = {
  autocommit: {
    'pg alone': autocommit,
    auditrum: carried(autocommit),
    'set_config of its own': async (pool, id) => {
      const client = await pool.connect()
      try {
        await client.query(`select set_config('auditrum.context', $1, false)`, [setting()])
        await client.query(update, [id])
      } finally {
        client.release()
      }
    },
    'BEGIN … COMMIT around': async (pool, id) => {
      const client = await pool.connect()
      try {
        await client.query('begin')
        await setLocal(client)
        await client.query(update, [id])
        await client.query('commit')
      } finally {
        client.release()
      }
    },
  },
  transaction: {
    'pg alone': inTransaction(),
    auditrum: carried(inTransaction()),
    'set_config of its own': inTransaction(setLocal),
  },
}

const server = await startServer({ version: values.version as Version })
try {
  const admin = new pg.Client(server.url())
  await admin.connect()
  await admin.query(
    'create table counters (id integer primary key, n integer) with (fillfactor = 50); insert into counters select n, 0 from generate_series(1, 1000) as n',
  )
  console.log(
    `PostgreSQL ${server.version}; operations per second, median of ${rounds} rounds; in brackets as a share of pg alone.\n`,
  )
  const rows: string[][] = []
  for (const milliseconds of [0, 0.5]) {
    const proxy = await delayed(server.host, server.port, milliseconds)
    const url = new URL(server.url())
    url.port = String(proxy.port)
    for (const callers of [1, 20]) {
      for (const [name, ways] of Object.entries(workloads)) {
        rows.push([
          `${name}, ${2 * milliseconds} ms network, ${callers} at once`,
          ...(await compare(url.href, ways, callers)),
        ])
      }
    }
    await proxy.close()
  }
  await admin.end()
  console.log(table(['workload', ...Object.keys(workloads.autocommit ?? {})], rows))
} finally {
  await server.stop()
}

/** All ways in each round, in turned order; ratios are taken within a round. */
async function compare(url: string, ways: Record<string, Work>, callers: number) {
  const names = Object.keys(ways)
  const rates: Record<string, number[]> = Object.fromEntries(names.map((name) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    for (const [index] of names.entries()) {
      const name = names[(index + round) % names.length] as string
      rates[name]?.push(await rate(url, ways[name] as Work, callers, name === 'auditrum'))
    }
  }
  const base = rates['pg alone'] as number[]
  return names.map((name) => {
    const own = rates[name] as number[]
    const share = median(own.map((value, round) => value / (base[round] as number)))
    return `${Math.round(median(own))} (${(100 * share).toFixed(0)} %)`
  })
}

async function rate(url: string, work: Work, callers: number, wrapped: boolean): Promise<number> {
  const pool = new pg.Pool({ connectionString: url, max: Math.min(callers, 10) })
  pool.on('error', () => {})
  const audit = wrapped ? auditrum(pool, { maintain: false }) : undefined
  await Promise.all(Array.from({ length: callers }, () => pool.query('select 1')))
  let count = 0
  const start = performance.now()
  const end = start + 1000 * seconds
  await Promise.all(
    Array.from({ length: callers }, async (_, caller) => {
      for (let turn = 0; performance.now() < end; turn++) {
        await work(pool, 1 + ((caller * 50 + turn) % 1000))
        count++
      }
    }),
  )
  const elapsed = (performance.now() - start) / 1000
  audit?.close()
  await pool.end()
  return count / elapsed
}

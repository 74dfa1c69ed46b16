// What it takes Node to read a large table as it was: its rows come one by one, and none is kept.
import { parseArgs } from 'node:util'
import { auditrum, type PgAuditrum, track } from '@auditrum/pg'
import { startServer, type Version } from '@auditrum/testkit'
import pg from 'pg'
import { table } from './report.ts'

const { values } = parseArgs({
  options: {
    version: { type: 'string', default: '17' },
    rows: { type: 'string' },
    quick: { type: 'boolean', default: false },
  },
})
const rows = Number(values.rows ?? (values.quick ? 20_000 : 1_000_000))
const mebibytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(0)} MiB`

const server = await startServer({ version: values.version as Version })
try {
  // connections that are still being closed when the server stops
  const ignore = () => undefined
  const pool = new pg.Pool({ connectionString: server.url() }).on('error', ignore)
  const audit = auditrum(pool, { maintain: false, tables: [track('orders')] })
  await pool.query(
    'create table orders (id bigint primary key, status text, total numeric, note text)',
  )
  await audit.sync()
  await pool.query(
    `insert into orders select n, 'new', n * 1.25, repeat('note ', 40) from generate_series(1, $1::int) as n`,
    [rows],
  )
  const [{ now }] = (await pool.query('select clock_timestamp()::text as now')).rows
  await pool.query(`update orders set status = 'paid' where id % 10 = 0`)
  await pool.query('vacuum (analyze) orders')

  await pool.end()

  const lines: string[][] = []
  // a pool of one connection is read in pages
  for (const [way, max] of [
    ['stream', 2],
    ['pages', 1],
  ] as const) {
    const reading = new pg.Pool({ connectionString: server.url(), max }).on('error', ignore)
    const audit = auditrum(reading, { maintain: false })
    await read(audit, 1_000)
    const before = process.memoryUsage()
    const start = performance.now()
    const peak = await read(audit, Number.POSITIVE_INFINITY)
    await reading.end()
    lines.push([
      way,
      String(peak.count),
      `${((performance.now() - start) / 1000).toFixed(1)} s`,
      mebibytes(peak.rss - before.rss),
      mebibytes(peak.heapUsed - before.heapUsed),
    ])
  }
  console.log(`PostgreSQL ${server.version}; how far Node's memory grew at most.\n`)
  console.log(table(['way', 'rows', 'time', 'resident', 'heap'], lines))

  async function read(audit: PgAuditrum, most: number) {
    let count = 0
    let rss = 0
    let heapUsed = 0
    for await (const _ of audit.tableAsOf('orders', now)) {
      if (count % 1_000 === 0) {
        const usage = process.memoryUsage()
        rss = Math.max(rss, usage.rss)
        heapUsed = Math.max(heapUsed, usage.heapUsed)
      }
      if (++count >= most) break
    }
    return { count, rss, heapUsed }
  }
} finally {
  await server.stop()
}

// What it takes to compare a large table with its log, in the server: verifyTables.
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { Auditrum, schemaSql, track, trackingSql } from '@auditrum/core'
import { startServer, type Version } from '@auditrum/testkit'
import pg from 'pg'
import { table } from './report.ts'

const { values } = parseArgs({
  options: {
    version: { type: 'string', default: '18' },
    rows: { type: 'string' },
    quick: { type: 'boolean', default: false },
  },
})
const rows = Number(values.rows ?? (values.quick ? 20_000 : 1_000_000))

const server = await startServer({ version: values.version as Version })
const clients: pg.Client[] = []
async function connect(): Promise<pg.Client> {
  const client = new pg.Client(server.url())
  clients.push(client)
  await client.connect()
  return client
}

try {
  const client = await connect()
  await client.query(schemaSql())
  const temporary = async () =>
    Number(
      (
        await client.query(
          'select temp_bytes from pg_stat_database where datname = current_database()',
        )
      ).rows[0].temp_bytes,
    )
  const lines: string[][] = []
  for (const image of ['full', 'changed'] as const) {
    const name = `orders_${image}`
    await client.query(
      `create table ${name} (id int primary key, status text, total numeric, note text)`,
    )
    await client.query(trackingSql(track(name, { image })))
    await client.query(
      `insert into ${name} select n, 'new', n / 7.0, 'note ' || n from generate_series(1, $1::int) as n`,
      [rows],
    )
    await client.query(`update ${name} set status = 'paid' where id % 5 = 0`)
    await client.query('vacuum analyze')
    for (const what of ['all as logged', 'one row in 20 is not']) {
      if (what !== 'all as logged') {
        await client.query(
          `begin; set local session_replication_role = replica; update ${name} set total = 0 where id % 20 = 1; commit`,
        )
      }
      const own = await connect()
      const { rows: backends } = await own.query('select pg_backend_pid() as pid')
      const before = await temporary()
      const start = performance.now()
      const { tables } = await new Auditrum(own).verifyTables(name)
      const seconds = (performance.now() - start) / 1000
      const status = readFileSync(`/proc/${backends[0].pid}/status`, 'utf8')
      const memory = Number(/RssAnon:\s+(\d+)/.exec(status)?.[1]) / 1024
      // a backend tells of its files when it ends
      await own.end()
      await new Promise((resolve) => setTimeout(resolve, 1000))
      const files = ((await temporary()) - before) / 2 ** 20
      const named = (tables[0]?.problems.length ?? 0) + (tables[0]?.more ?? 0)
      lines.push([
        image,
        what,
        ...[seconds, memory, files].map((value) => value.toFixed(1)),
        String(named),
      ])
    }
  }
  console.log(
    `PostgreSQL ${server.version}; ${rows} rows, ${rows * 1.2} events; seconds, MiB of the backend's own memory, MiB of temporary files.\n`,
  )
  console.log(
    table(['image', 'rows', 'seconds', 'memory', 'temporary files', 'not as logged'], lines),
  )
} finally {
  await Promise.all(clients.map((each) => each.end().catch(() => undefined)))
  await server.stop()
}

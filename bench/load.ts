// A service under load, through a pooler: what its clients were told is held against the log.
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import {
  createDatabase,
  pgbouncer,
  startPgBouncer,
  startServer,
  type Version,
} from '@auditrum/testkit'
import { Book, load } from './load/clients.ts'
import { type Memory, thirds, watchMemory } from './load/growth.ts'
import { tables } from './load/statements.ts'
import { verdict } from './load/verdict.ts'
import { POOL } from './load/ways.ts'
import { table } from './report.ts'

const { values } = parseArgs({
  options: {
    version: { type: 'string', default: '17' },
    events: { type: 'string' },
    clients: { type: 'string' },
    quick: { type: 'boolean', default: false },
  },
})
const size = {
  events: Number(values.events ?? (values.quick ? 5_000 : 1_000_000)),
  clients: Number(values.clients ?? (values.quick ? 300 : 1_000)),
}
/** The pooler's connections to the server: fewer than the three pools of the application have. */
const CONNECTIONS = 12
/** What the memory of a run of minutes may grow by, from the middle third to the last. */
const GROWTH = 1.1

const settings = { shared_buffers: '1GB', max_wal_size: '8GB' }
const server = await startServer({
  version: values.version as Version,
  settings: values.quick || process.env.AUDITRUM_TEST_SERVER ? {} : settings,
})
const ends: (() => unknown)[] = []
try {
  const database = await createDatabase(server)
  ends.push(() => database.drop())
  await database.query(tables)
  const pooler = pgbouncer ? await startPgBouncer(server, { poolSize: CONNECTIONS }) : undefined
  if (pooler) ends.push(() => pooler.stop())
  else process.stderr.write('PgBouncer is not installed: the load goes straight to the server.\n')
  const app = fork(fileURLToPath(new URL('load/app.ts', import.meta.url)), [
    pooler?.url(database.name) ?? database.url,
  ])
  ends.push(() => app.kill())
  const port = await new Promise<number>((resolve, reject) => {
    app.once('message', (message) => resolve(Number(message)))
    app.once('exit', (code) => reject(new Error(`The application ended with ${code}.`)))
  })

  const client = await database.client()
  const memory = watchMemory({
    app: app.pid ?? 0,
    pooler: pooler?.pid ?? 0,
    server: server.pid ?? 0,
  })
  const start = performance.now()
  const told = await load(port, new Book(client), size)
  const seconds = Math.round((performance.now() - start) / 1000)
  const samples = memory.stop()
  app.kill()
  await settled(client)

  const { events, transactions, ...wrong } = await verdict(client)
  console.log(
    `PostgreSQL ${server.version}; ${size.clients} requests at once, three pools of ${POOL} connections, ${pooler ? `through PgBouncer with ${CONNECTIONS}` : 'without a pooler'}.\n`,
  )
  print({ ...told, seconds, ...transactions, 'events in the log': events })
  print(wrong)
  // of a short one it tells nothing
  const watched = samples.filter((each) => each.samples.length >= 60)
  if (watched.length > 0)
    console.log(table(['memory', 'middle third', 'last third'], watched.map(line)))
  const hasGrown = watched.some((each) => ratio(each) > GROWTH)
  if (Object.values(wrong).some((count) => count > 0) || hasGrown) process.exitCode = 1
} finally {
  for (const end of ends.reverse()) await end()
  await server.stop()
}

function print(numbers: Readonly<Record<string, number>>): void {
  console.log(`${table(Object.keys(numbers), [Object.values(numbers).map(String)])}\n`)
}

/** Waits until the sessions of the application are gone, and what was on its way is decided. */
async function settled(client: {
  query(text: string): Promise<{ rows: unknown[] }>
}): Promise<void> {
  const others = `select from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend' and xact_start is not null`
  while ((await client.query(others)).rows.length > 0) {
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

function ratio(memory: Memory): number {
  const [middle, last] = thirds(memory)
  return last / middle
}

function line(memory: Memory): string[] {
  const [middle, last] = thirds(memory).map((bytes) => `${(bytes / 2 ** 20).toFixed(1)} MiB`)
  return [memory.name, String(middle), String(last)]
}

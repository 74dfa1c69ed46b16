// What it takes to read a large log: ten million events in 36 months, unless told otherwise.
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { Auditrum } from '@auditrum/core'
import { startServer, type Version } from '@auditrum/testkit'
import pg from 'pg'
import { median, table } from './report.ts'
import { largeLog } from './scale/log.ts'
import { questions } from './scale/questions.ts'

const { values } = parseArgs({
  options: {
    version: { type: 'string', default: '17' },
    events: { type: 'string' },
    months: { type: 'string' },
    quick: { type: 'boolean', default: false },
  },
})
const size = {
  events: Number(values.events ?? (values.quick ? 100_000 : 10_000_000)),
  months: Number(values.months ?? (values.quick ? 6 : 36)),
}
const times = values.quick ? 2 : 50

const server = await startServer({
  version: values.version as Version,
  // one that is there already has its own
  settings: process.env.AUDITRUM_TEST_SERVER
    ? {}
    : { shared_buffers: '2GB', max_wal_size: '8GB', maintenance_work_mem: '512MB' },
})
try {
  const client = new pg.Client(await largeLog(server, size))
  await client.connect()
  const audit = new Auditrum(client)
  const { rows: backends } = await client.query('select pg_backend_pid() as pid')
  const rows: string[][] = []
  for (const [question, ask] of Object.entries(questions)) {
    const taken: number[] = []
    let before = 0
    for (let turn = 0; turn <= times; turn++) {
      const start = performance.now()
      await ask(audit, turn)
      taken.push(performance.now() - start)
      if (turn === 0) before = processorTime(backends[0].pid)
    }
    const [first, ...later] = taken
    const ofServer = (processorTime(backends[0].pid) - before) / times
    rows.push([
      question,
      ...[Number(first), median(later), ofServer].map((milliseconds) => milliseconds.toFixed(1)),
    ])
  }
  await client.end()
  console.log(
    `PostgreSQL ${server.version}; ${size.events} events in ${size.months} months; milliseconds, to and fro on the same machine, and on average of the server's CPU.\n`,
  )
  console.log(table(['question', 'first of a session', 'median', 'CPU of the server'], rows))
} finally {
  await server.stop()
}

/** Of a process on this machine, in milliseconds: what others do there meanwhile does not count. */
function processorTime(pid: number): number {
  const [nanoseconds] = readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')
  return Number(nanoseconds) / 1e6
}

// What sealing costs writers, and how much of a log is sealed and verified in a second.
import { loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { startServer, type Version } from '@auditrum/testkit'
import { table } from './report.ts'
import { throughput } from './seal/throughput.ts'
import { writers } from './seal/writers.ts'

const { values } = parseArgs({
  options: {
    version: { type: 'string', default: '18' },
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    events: { type: 'string' },
    part: { type: 'string' },
    quick: { type: 'boolean', default: false },
  },
})
const { quick, part } = values
if (part !== undefined && part !== 'writers' && part !== 'throughput') {
  throw new Error(`--part is ${part}. It is writers or throughput.`)
}
const rounds = Number(values.rounds ?? (quick ? 1 : 3))
const seconds = Number(values.seconds ?? (quick ? 0.2 : 3))
const events = 5 * Math.ceil(Number(values.events ?? (quick ? 10_000 : 200_000)) / 5)

const server = await startServer({ version: values.version as Version })
try {
  const load = () => `load ${loadavg()[0]?.toFixed(1)}`
  if (part !== 'throughput') {
    console.log(
      `PostgreSQL ${server.version}; transactions per second, ${rounds} rounds of ${seconds} s each way; ${load()} before.\n`,
    )
    const lines = await writers(server, { rounds, seconds })
    console.log(
      `${table(['clients', 'other work', 'unsealed', 'sealed every second', 'ratio'], lines)}\n`,
    )
  }
  if (part !== 'writers') {
    console.log(
      `PostgreSQL ${server.version}; ${events} events; per second, and per second of CPU; MiB; ${load()} before.\n`,
    )
    const lines = await throughput(server, events)
    const head = ['what', 'events/s', 'per CPU, server', 'per CPU, Node', 'server', 'Node']
    console.log(table(head, lines))
  }
} finally {
  await server.stop()
}

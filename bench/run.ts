import { cpus, totalmem } from 'node:os'
import { parseArgs } from 'node:util'
import { startServer, type Version } from '@auditrum/testkit'
import { none, ours, peer } from './candidates.ts'
import { measure } from './measure.ts'
import { markdown } from './report.ts'
import { rowKinds } from './workloads.ts'

const { values } = parseArgs({
  options: {
    version: { type: 'string', default: '17' },
    rounds: { type: 'string' },
    peer: { type: 'string', multiple: true, default: [] },
    quick: { type: 'boolean', default: false },
  },
})

const here = (file: string) => new URL(file, import.meta.url)
const bases = ['none', 'bare', 'audit-trigger']
const candidates = [
  none,
  peer('bare', here('peers/bare.sql')),
  peer('audit-trigger', here('peers/audit-trigger.sql')),
  ...values.peer.map((each) => {
    const [name, file] = each.split('=', 2)
    if (!name || !file) throw new Error(`--peer ${each} names no file. Write --peer name=file.sql.`)
    return peer(name, file)
  }),
  ours('full'),
  ours('changed'),
]
const sizes = values.quick
  ? { rounds: Number(values.rounds ?? 1), loop: 60, bulk: 200, autocommit: 80 }
  : { rounds: Number(values.rounds ?? 7), loop: 3000, bulk: 20_000, autocommit: 8000 }

const server = await startServer({
  version: values.version as Version,
  settings: { shared_buffers: '512MB', max_wal_size: '8GB' },
})
try {
  console.log(
    `PostgreSQL ${server.version}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB; fsync, full_page_writes and synchronous_commit off; ${sizes.rounds} rounds.`,
  )
  console.log(
    `Medians: milliseconds unless the line says otherwise; in brackets as multiples of ${bases.join(', ')}.\n`,
  )
  const samples = await measure(server, candidates, rowKinds, sizes)
  console.log(
    markdown(
      samples,
      candidates.map(({ name }) => name),
      bases,
    ),
  )
} finally {
  await server.stop()
}

import type { Server } from '@auditrum/testkit'
import pg from 'pg'
import type { Candidate } from './candidates.ts'
import { autocommit, bulk, createTable, loop, operations, type RowKind } from './workloads.ts'

/** Figures by workload, candidate and round. */
export type Samples = Map<string, Map<string, number[]>>

export interface Sizes {
  readonly rounds: number
  readonly loop: number
  readonly bulk: number
  readonly autocommit: number
}

/** Runs every workload for every candidate, interleaved, the order turned by one in each round. */
export async function measure(
  server: Server,
  candidates: readonly Candidate[],
  kinds: readonly RowKind[],
  sizes: Sizes,
): Promise<Samples> {
  const client = new pg.Client(server.url())
  await client.connect()
  await client.query('set synchronous_commit = off; set client_min_messages = warning')
  for (const candidate of candidates) {
    await createTable(client, candidate)
    await candidate.install(client)
  }
  const samples: Samples = new Map()
  const add = (workload: string, { name }: Candidate, value: number) => {
    const row = samples.get(workload) ?? new Map<string, number[]>()
    samples.set(workload, row.set(name, [...(row.get(name) ?? []), value]))
  }

  for (let round = 0; round < sizes.rounds; round++) {
    const turned = candidates.map(
      (_, index) => candidates[(index + round) % candidates.length] as Candidate,
    )
    for (const kind of kinds) {
      for (const candidate of turned) await one(candidate, kind)
    }
  }
  await client.end()
  return samples

  async function one(candidate: Candidate, kind: RowKind): Promise<void> {
    const { table } = candidate
    const count = (total: number) => Math.max(20, Math.round(total / kind.divisor))
    await empty(client, candidate)
    for (const operation of operations) {
      const before = await walBytes(client)
      add(
        `${kind.name}: loop ${operation}`,
        candidate,
        await loop(client, table, kind, operation, count(sizes.loop)),
      )
      if (operation === 'update') {
        add(
          `${kind.name}: bytes of WAL, update`,
          candidate,
          ((await walBytes(client)) - before) / count(sizes.loop),
        )
      }
    }
    await empty(client, candidate)
    for (const operation of operations) {
      add(
        `${kind.name}: bulk ${operation}`,
        candidate,
        await bulk(client, table, kind, operation, count(sizes.bulk)),
      )
    }
    if (kind !== kinds[0]) return
    await empty(client, candidate)
    await bulk(client, table, kind, 'insert', 1000)
    await emptyLog(client, candidate)
    const before = await logSize(client, candidate)
    add(
      'autocommit: updates per second',
      candidate,
      await autocommit(server.url(), candidate, sizes.autocommit),
    )
    add(
      'autocommit: stored bytes',
      candidate,
      ((await logSize(client, candidate)) - before) / sizes.autocommit,
    )
  }
}

async function empty(client: pg.Client, candidate: Candidate): Promise<void> {
  await client.query(`truncate ${candidate.table}`)
  await emptyLog(client, candidate)
  await client.query('checkpoint')
}

async function emptyLog(client: pg.Client, { log }: Candidate): Promise<void> {
  if (log.length > 0) await client.query(`truncate ${log.join(', ')}`)
}

/** Bytes of WAL ever written. */
async function walBytes(client: pg.Client): Promise<number> {
  const { rows } = await client.query(
    `select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::float8 as bytes`,
  )
  return rows[0].bytes
}

/** Heap, indexes and TOAST of a log, partitions included. */
async function logSize(client: pg.Client, { log }: Candidate): Promise<number> {
  const { rows } = await client.query(
    `select coalesce(sum(pg_total_relation_size(tree.relid)), 0)::float8 as bytes
     from unnest($1::text[]) as name
     cross join lateral (select relid from pg_partition_tree(name::regclass) union select name::regclass) as tree (relid)`,
    [log],
  )
  return rows[0].bytes
}

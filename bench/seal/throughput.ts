import { Auditrum, schemaSql, track, trackingSql } from '@auditrum/core'
import type { Server } from '@auditrum/testkit'
import pg from 'pg'
import { createTable, rowKinds } from '../workloads.ts'
import { type Taken, taking } from './backend.ts'

const PER_CONTEXT = 5

/**
 * How many events are sealed and verified in a second: [what, events/s, events/s of CPU of the server, of
 * Node, MiB of the server, of Node].
 */
export async function throughput(server: Server, events: number): Promise<string[][]> {
  const url = await filled(server, events)
  const lines: string[][] = []
  const add = async (
    what: string,
    connections: number,
    run: (pool: pg.Pool) => Promise<number>,
  ) => {
    let count = 0
    const taken = await taking(url, connections, async (pool) => {
      count = await run(pool)
    })
    if (count !== events) throw new Error(`${what}: ${count} of ${events} events.`)
    lines.push([what, ...shown(taken, events)])
  }
  await add('seal', 1, async (pool) => (await new Auditrum(pool).seal()).events)
  for (const [what, jobs, independent] of [
    ['verify in the database', 1, false],
    ['verify in the database, 2 jobs', 2, false],
    ['verify in Node', 1, true],
  ] as const) {
    await add(what, jobs, async (pool) => {
      const { verified, ok } = await new Auditrum(pool).verifyChain({ jobs, independent })
      return ok ? verified : 0
    })
  }
  return lines
}

function shown({ seconds, server, node, serverMemory, nodeMemory }: Taken, events: number) {
  return [
    ...[seconds, server, node].map((each) => (events / each).toFixed(0)),
    ...[serverMemory, nodeMemory].map((each) => each.toFixed(0)),
  ]
}

/** Updates of rows of 300 bytes, five of a transaction and its context; none is sealed yet. */
async function filled(server: Server, events: number): Promise<string> {
  const name = 'throughput'
  const admin = new pg.Client(server.url())
  await admin.connect()
  await admin.query(`create database ${name}`)
  await admin.end()
  const client = new pg.Client(server.url(name))
  await client.connect()
  await client.query('set client_min_messages = warning; set synchronous_commit = off')
  await client.query(schemaSql())
  await new Auditrum(client).enableSealing()
  await createTable(client, { table: 'orders' })
  await client.query(
    `insert into orders select n, 'customer number ' || n, 'customer' || n || '@example.com', 'new', 0, n * 1.5, now(), true, ${rowKinds[0]?.text}
     from generate_series(1, 1000) as n`,
  )
  await client.query(trackingSql(track('orders')))
  await client.query(`
    do $$
    declare context text;
    begin
      for round in 1..${events / PER_CONTEXT} loop
        context := gen_random_uuid();
        perform set_config('auditrum.context', json_build_object('v', 1, 'id', context, 'root', context,
          'metadata', json_build_object('user_id', round % 500, 'change_reason', 'payment received', 'request_id', context))::text, true);
        update orders set counter = counter + 1, status = 'paid' || counter
        where id between 1 + round * ${PER_CONTEXT} % 1000 and ${PER_CONTEXT} + round * ${PER_CONTEXT} % 1000;
        commit;
      end loop;
    end $$`)
  await client.query('vacuum analyze')
  await client.end()
  return server.url(name)
}

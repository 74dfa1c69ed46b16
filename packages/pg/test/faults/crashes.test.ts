import { spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { startOwnServer } from '@auditrum/testkit'
import pg from 'pg'
import { test as always, expect, onTestFinished } from 'vitest'
import { expectWhole, isNewest, load, prepare, version } from './load.js'

const test = always.runIf(isNewest)

const rounds = Number(process.env.AUDITRUM_FAULT_ROUNDS ?? 3)

// what is told to be committed must be on disk, as far as a killed process is concerned
const durable = { synchronous_commit: 'on', full_page_writes: 'on' }

test('PostgreSQL and its backends are killed under load, again and again', {
  timeout: 60_000 + rounds * 20_000,
}, async () => {
  const server = await startOwnServer({ version, settings: durable })
  onTestFinished(() => server.stop())
  await prepare(server)
  const told: string[] = []
  let failed = 0
  let events = 0
  for (let round = 0; round < rounds; round++) {
    const running = load(server, 8, round)
    await sleep(300 + ((round * 137) % 400))
    if (round % 3 === 1) await killBackends(server.url(), round % 2 === 0)
    else {
      await server.kill('SIGKILL')
      await sleep(50)
      await server.restart()
    }
    await sleep(200)
    const { committed, failures } = await running.stop()
    told.push(...committed)
    failed += failures
    events = await expectWhole(server, told)
  }
  expect(told.length).toBeGreaterThan(0)
  expect(failed).toBeGreaterThan(0)
  if (process.env.AUDITRUM_FAULT_ROUNDS) {
    process.stderr.write(
      `${rounds} rounds: ${told.length} transactions told to be committed, ${failed} failed, ${events} events\n`,
    )
  }
})

test('clients are killed in the middle of their transactions, again and again', {
  timeout: 60_000 + rounds * 20_000,
}, async () => {
  const server = await startOwnServer({ version, settings: durable })
  onTestFinished(() => server.stop())
  await prepare(server)
  const told: string[] = []
  for (let round = 0; round < rounds; round++) {
    const clients = [0, 1, 2].map((index) => clientProcess(server.url(), `killed ${index}`, round))
    await Promise.all(clients.map(({ begun }) => begun))
    await sleep((round * 137) % 300)
    for (const client of clients) told.push(...(await client.kill()))
    await expectWhole(server, told)
  }
  expect(told.length).toBeGreaterThan(0)
})

function clientProcess(url: string, name: string, round: number) {
  const program = fileURLToPath(new URL('./client.mjs', import.meta.url))
  const child = spawn(process.execPath, [program, url, name, String(round)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  const begun = new Promise<void>((resolve) => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text
      resolve()
    })
  })
  const closed = new Promise((resolve) => child.once('close', resolve))
  return {
    begun,
    async kill() {
      child.kill('SIGKILL')
      await closed
      return output.split('\n').slice(0, -1)
    },
  }
}

/** Some as an administrator does; or all of them, with the signal that makes the server start anew. */
async function killBackends(url: string, isGentle: boolean): Promise<void> {
  const client = new pg.Client(url)
  client.on('error', () => {})
  await client.connect()
  const { rows } = await client.query(
    `select pid from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()`,
  )
  if (isGentle)
    await client.query('select pg_terminate_backend(pid) from unnest($1::int[]) as pid', [
      rows.map(({ pid }) => pid),
    ])
  else process.kill(rows[0].pid, 'SIGKILL')
  await client.end().catch(() => {})
  await recovered(url)
}

async function recovered(url: string): Promise<void> {
  for (;;) {
    const client = new pg.Client(url)
    client.on('error', () => {})
    try {
      await client.connect()
      await client.query('select')
      await client.end()
      return
    } catch {
      await sleep(20)
    }
  }
}

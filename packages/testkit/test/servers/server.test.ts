import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createConnection } from 'node:net'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { describe, expect, test } from 'vitest'
import { installedVersions, startServer } from '../../src/index.ts'

describe.skipIf(process.env.AUDITRUM_TEST_SERVER)('a server', { concurrent: true }, () => {
  test.each(installedVersions())(
    'of PostgreSQL %s answers until it is stopped',
    async (version) => {
      const server = await startServer({ version, settings: { wal_level: 'logical' } })
      const client = new pg.Client(server.url())
      await client.connect()
      const { rows } = await client.query("select version(), current_setting('wal_level') as level")
      expect(rows[0].version).toMatch(`PostgreSQL ${version}.`)
      expect(rows[0].level).toBe('logical')
      await client.end()

      await server.stop()
      expect(await answers(server.port)).toBe(false)
      expect(existsSync(server.dataDirectory ?? '/')).toBe(false)
    },
  )

  test('that cannot start says why and leaves nothing', async () => {
    const starting = startServer({ settings: { wal_level: 'nonsense' } })
    await expect(starting).rejects.toThrow(/did not start:[\s\S]*wal_level/)
  })

  test('ends with the process that started it, even by SIGKILL', async () => {
    const { child, server } = await owner()
    expect(await answers(server.port)).toBe(true)
    child.kill('SIGKILL')
    await gone(server)
  })

  test('ends with a process that forgets to stop it', async () => {
    const { child, server } = await owner()
    child.stdin?.end()
    await gone(server)
  })

  if (process.getuid?.() !== 0) {
    process.stderr.write('SKIPPED: only root can start a server as root and as somebody else.\n')
  }
  test.skipIf(process.getuid?.() !== 0)('runs for a normal user too', async () => {
    const { child, server } = await owner({ uid: 65534, gid: 65534 })
    expect(await answers(server.port)).toBe(true)
    child.kill('SIGINT')
    await gone(server)
  })
})

interface Where {
  port: number
  dataDirectory: string
}

async function owner(account = {}): Promise<{ child: ChildProcess; server: Where }> {
  const program = fileURLToPath(new URL('owner.ts', import.meta.url))
  const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), program], {
    ...account,
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  for await (const line of createInterface({ input: child.stdout })) {
    return { child, server: JSON.parse(line) }
  }
  throw new Error('The owner ended without a server.')
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}

async function gone({ port, dataDirectory }: Where): Promise<void> {
  const patience = Date.now() + 10_000
  while (((await answers(port)) || existsSync(dataDirectory)) && Date.now() < patience) {
    await sleep(20)
  }
  expect({ answers: await answers(port), directory: existsSync(dataDirectory) }).toEqual({
    answers: false,
    directory: false,
  })
}

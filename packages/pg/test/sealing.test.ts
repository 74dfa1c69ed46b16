import { expect, test, vi } from 'vitest'
import { auditrum } from '../src/index.js'
import { shop } from './support.js'

const patience = { timeout: 20_000, interval: 10 }

test('the log is sealed every so often, until the audit is closed; what keeps it from that is told once', async () => {
  const it = await shop()
  const heard: string[] = []
  const onError = ({ message }: Error) => heard.push(message)
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  try {
    const pool = it.database.pool({ idleTimeoutMillis: 0 })
    const audit = auditrum(pool, { maintain: false, seal: '5s', onError })
    const round = async () => {
      vi.advanceTimersByTime(5000)
      await vi.waitFor(() => expect(vi.getTimerCount()).toBe(1), patience)
    }
    await round()
    await round()
    expect(heard).toEqual([expect.stringMatching(/not sealed yet.*enable-hash-chain/)])

    await audit.enableSealing()
    await it.database.query(`insert into orders (note) values ('sealed')`)
    await round()
    const blocks = await it.database.query('select from auditrum.audit_leaf')
    expect(blocks.rowCount).toBe(1)
    await round()
    expect(heard).toHaveLength(1)

    audit.close()
    expect(vi.getTimerCount()).toBe(0)
  } finally {
    vi.useRealTimers()
  }
})

test('a role that may not seal is told so once', async () => {
  const it = await shop()
  const role = await it.database.role()
  await it.database.query(`grant usage on schema auditrum to ${role.name}`)
  const heard: string[] = []
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  try {
    const onError = ({ message }: Error) => heard.push(message)
    const pool = role.pool({ idleTimeoutMillis: 0 })
    const audit = auditrum(pool, { maintain: false, seal: '1m', onError })
    vi.advanceTimersByTime(60_000)
    await vi.waitFor(() => expect(heard).toHaveLength(1), patience)
    expect(heard[0]).toMatch(/may not seal the log, so its timer stops here\. .*seal: false/)
    expect(vi.getTimerCount()).toBe(0)
    audit.close()
  } finally {
    vi.useRealTimers()
  }
})

test('a time that is none is refused', async () => {
  const it = await shop()
  for (const seal of ['5', '0s', '5 s', 'daily']) {
    expect(() => auditrum(it.database.pool(), { seal: seal as '5s' })).toThrow(
      /seal is ".*"\. It is a time as '5s' or '1m', or false\./,
    )
  }
})

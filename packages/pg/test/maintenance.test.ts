import { expect, test, vi } from 'vitest'
import { auditrum } from '../src/index.js'
import { shop } from './support.js'

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE

test('the log is maintained a minute after the start and once a day, until the audit is closed', async () => {
  const it = await shop()
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  try {
    const audit = auditrum(it.database.pool({ idleTimeoutMillis: 0 }), { maintain: true })
    await passMonth()
    vi.advanceTimersByTime(MINUTE)
    await vi.waitFor(async () => expect(await months()).toBe(4), patience)
    await vi.waitFor(() => expect(vi.getTimerCount()).toBe(1), patience)

    await passMonth()
    vi.advanceTimersByTime(DAY)
    await vi.waitFor(async () => expect(await months()).toBe(4), patience)
    await vi.waitFor(() => expect(vi.getTimerCount()).toBe(1), patience)

    audit.close()
    expect(vi.getTimerCount()).toBe(0)
  } finally {
    vi.useRealTimers()
  }

  async function months(): Promise<number> {
    const { rows } = await it.database.query<{ count: number }>(
      `select count(*)::int from pg_inherits
        where inhparent = 'auditrum.audit_event'::regclass and inhrelid::regclass::text not like '%overflow'`,
    )
    return rows[0]?.count ?? 0
  }

  /** As if a month had passed: the overflow begins one earlier. */
  async function passMonth(): Promise<void> {
    await it.database.query(`do $$
      declare month timestamptz := auditrum.overflow_start('audit_event') - interval '1 month';
      begin
        alter table auditrum.audit_event detach partition auditrum.audit_event_overflow;
        execute format('drop table auditrum.audit_event_%s', to_char(month at time zone 'UTC', 'YYYY_MM'));
        execute format('alter table auditrum.audit_event attach partition auditrum.audit_event_overflow for values from (%L) to (maxvalue)', month);
      end $$`)
  }
})

test('maintenance that fails is heard of, and tried again the next day', async () => {
  const it = await shop()
  const heard: string[] = []
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  try {
    const onError = ({ message }: Error) => heard.push(message)
    const audit = auditrum(it.database.pool({ idleTimeoutMillis: 0 }), { maintain: true, onError })
    await it.database.query('alter schema auditrum rename to elsewhere')
    vi.advanceTimersByTime(MINUTE)
    await vi.waitFor(() => expect(heard).toHaveLength(1), patience)
    await vi.waitFor(() => expect(vi.getTimerCount()).toBe(1), patience)
    expect(heard[0]).toMatch(/log is not installed/)
    audit.close()
  } finally {
    vi.useRealTimers()
  }
})

test('a role that may not maintain the log is told so once', async () => {
  const it = await shop()
  const role = await it.database.role()
  await it.database.query(`grant usage on schema auditrum to ${role.name}`)
  const heard: string[] = []
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  try {
    const onError = ({ message }: Error) => heard.push(message)
    const audit = auditrum(role.pool({ idleTimeoutMillis: 0 }), { maintain: true, onError })
    vi.advanceTimersByTime(MINUTE)
    await vi.waitFor(() => expect(heard).toHaveLength(1), patience)
    expect(heard[0]).toMatch(
      /may not maintain the log, so its timer stops here\. .*maintain: false/,
    )
    expect(vi.getTimerCount()).toBe(0)
    audit.close()
  } finally {
    vi.useRealTimers()
  }
})

const patience = { timeout: 20_000, interval: 10 }

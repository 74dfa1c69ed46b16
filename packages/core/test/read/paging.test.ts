import { expect, test } from 'vitest'
import { type AuditEvent, Auditrum, type Page } from '../../src/index.js'
import { auditedDatabase } from '../support.js'

test.for(['asc', 'desc'] as const)(
  'while others write, paging in order %s gives each event once, and none less than was there',
  { timeout: 20_000 },
  async (order) => {
    const database = await auditedDatabase()
    await database.tracked('ticks', 'create table ticks (id bigserial primary key, n int)')
    await database.query('insert into ticks (n) select generate_series(1, 500)')
    // an event whose transaction was open when the first page was read, and that has a lower id
    const early = await database.client()
    await early.query('begin; insert into ticks (n) values (0)')
    const clients = await Promise.all([1, 2, 3].map(() => database.client()))
    let isRead = false
    const writers = clients.map(async (client) => {
      while (!isRead) {
        await client.query('begin; insert into ticks (n) select generate_series(1, 3)')
        await client.query('commit')
      }
    })
    await Promise.all(clients.map((client) => client.query('select 1')))
    const { rows } = await database.query<{ id: string }>(
      'select id from auditrum.auditlog order by id',
    )
    const before = rows.map(({ id }) => id)

    const reader = await database.client()
    const audit = new Auditrum(reader)
    const seen: AuditEvent[] = []
    let after: string | null = null
    do {
      const page: Page = await audit.page({ limit: 20, after, order })
      seen.push(...page.events)
      after = page.next
      if (seen.length === 200) await early.query('commit')
      // behind writers that never stop there would be no end
    } while (after !== null && seen.length < 5000)
    isRead = true
    await Promise.all(writers)

    const ids = seen.map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
    const sorted = [...ids].sort((a, b) => Number(BigInt(a) - BigInt(b)))
    expect(ids).toEqual(order === 'asc' ? sorted : sorted.reverse())
    const last = ids.at(-1) ?? ''
    const expected = after === null ? before : before.filter((id) => BigInt(id) <= BigInt(last))
    expect(expected.filter((id) => !ids.includes(id))).toEqual([])
  },
)

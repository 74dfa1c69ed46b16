import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { track } from '../src/index.js'
import { shop } from './support.js'

const guide = readFileSync(new URL('../../../docs/time-travel.md', import.meta.url), 'utf8')
const blocks = (language: string) =>
  [...guide.matchAll(/^```(\w+)\n(.*?)^```$/gms)].flatMap(([, of, text]) =>
    of === language && text ? [text] : [],
  )

test('every example of the guide to time travel runs as it stands', async () => {
  const { database, pool, audit } = await shop()
  const [tables, ...sql] = blocks('sql')
  await database.query(`drop table orders; ${tables}`)
  audit.declare(track('orders'), track('order_items'))
  await audit.sync()
  await database.query(`insert into orders values (42, 'new', 1.10)`)
  await database.query(`insert into order_items values (42, 1, 'tea')`)
  await database.query(`update orders set status = 'paid'`)
  const { events } = await audit.page({ table: 'orders', id: 42 })
  const { id, transactionId } = events[0] ?? {}

  for (const text of sql) {
    const asked = text.replace('4711', String(id)).replace('1234567890', String(transactionId))
    for (const statement of asked.split(/;\n/).filter(Boolean)) {
      await expect(pool.query(statement), statement).resolves.toBeDefined()
    }
  }
  const printed: unknown[][] = []
  const log = { log: (...values: unknown[]) => printed.push(values), warn: () => undefined }
  for (const text of blocks('ts')) {
    const run = Function('audit', 'yesterday', 'console', `return (async () => { ${text} })()`)
    await run(audit, events[1]?.changedAt, log)
  }
  expect(printed).toContainEqual(['update', '42', { status: { from: 'new', to: 'paid' } }])
})

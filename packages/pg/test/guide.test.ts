import { readFileSync } from 'node:fs'
import ts from 'typescript'
import { expect, test } from 'vitest'
import { track, withContext } from '../src/index.js'
import { shop } from './support.js'

const esNext = { target: ts.ScriptTarget.ESNext }

function blocksOf(guide: string, language: string): readonly string[] {
  const text = readFileSync(new URL(`../../../docs/${guide}.md`, import.meta.url), 'utf8')
  return [...text.matchAll(/^```(\w+)\n(.*?)^```$/gms)].flatMap(([, of, code]) =>
    of === language && code ? [code] : [],
  )
}

test('every example of the guide to time travel runs as it stands', async () => {
  const { database, pool, audit } = await shop()
  const [tables, ...sql] = blocksOf('time-travel', 'sql')
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
  for (const text of blocksOf('time-travel', 'ts')) {
    const run = Function('audit', 'yesterday', 'console', `return (async () => { ${text} })()`)
    await run(audit, events[1]?.changedAt, log)
  }
  expect(printed).toContainEqual(['update', '42', { status: { from: 'new', to: 'paid' } }])
})

test('every example of the guide to undo runs as it stands', async () => {
  const { pool, audit } = await shop()
  await pool.query(`insert into orders (id, note) values (42, 'new')`)
  const change = () => pool.query(`update orders set note = note || '!' where id = 42`)
  /** An example about a change that was just made. */
  const named = async (code: string) => {
    const request_id = `request ${Math.random()}`
    await withContext({ request_id }, change)
    const [event] = (await audit.page({ limit: 1 })).events
    return code
      .replaceAll(/transaction(: '| => )4711/g, `transaction$1${event?.transactionId}`)
      .replaceAll(/event(: '| => )4711/g, `event$1${event?.id}`)
      .replace("'abc'", `'${request_id}'`)
  }

  for (const text of blocksOf('undo', 'sql')) {
    for (const statement of text.split(/;\n/).filter(Boolean)) {
      const { rows } = await pool.query(await named(statement))
      expect(rows, statement).toMatchObject([{ part: 'step', operation: 'update' }])
    }
  }
  const [undo = '', conflict = ''] = blocksOf('undo', 'ts')
  const run = (code: string, table?: (conflicts: unknown) => void) =>
    Function(
      'audit',
      'console',
      ts.transpile(`return (async () => { ${code} })()`, esNext),
    )(audit, {
      table,
    })
  await run(`${await named(undo)}\nif (steps[0].outcome !== 'done') throw new Error(sql)`)
  const refused = await named(conflict)
  await change()
  const tables: unknown[] = []
  await run(refused, (conflicts) => tables.push(conflicts))
  expect(tables).toMatchObject([[{ table: 'orders', objectId: '42', column: 'note' }]])
})

import { anyName, fuzzRuns, fuzzTimeout, logName } from '@auditrum/testkit/fuzz'
import { testDatabase } from '@auditrum/testkit/vitest'
import fc from 'fast-check'
import { loadModule, parsePlPgSQLSync, parseSync } from 'libpg-query'
import { beforeAll, expect, test } from 'vitest'
import { Auditrum, track } from '../../src/index.js'
import { quoteIdentifier as quote } from '../../src/sql/quote.js'

beforeAll(loadModule)

/** A table, its rows, and who writes them. */
interface Names {
  readonly schema: string
  readonly table: string
  /** The first ones are the key's; all of type text. */
  readonly columns: readonly string[]
  readonly keys: 1 | 2
  /** What the table and its last column are called later. */
  readonly later: { readonly table: string; readonly column: string }
  readonly role: string
}

const systemColumns = ['tableoid', 'xmin', 'xmax', 'cmin', 'cmax', 'ctid']
const columnName = anyName.filter((name) => !systemColumns.includes(name))
const names: fc.Arbitrary<Names> = fc
  .record({
    schema: anyName.filter((name) => !/^(pg_|auditrum$|public$|information_schema$)/.test(name)),
    table: anyName,
    columns: fc.uniqueArray(columnName, { minLength: 3, maxLength: 5 }),
    keys: fc.constantFrom(1 as const, 1 as const, 2 as const),
    later: fc.record({ table: anyName, column: columnName }),
    role: anyName.filter((name) => !/^(pg_|public$|none$|postgres$|nobody)/.test(name)),
  })
  .filter(({ columns, later }) => !columns.includes(later.column))

/** A name that no pattern of lines takes for one. */
const carriageReturn: Names = {
  schema: 'select',
  table: 'select',
  columns: ['a', ' ', '\r'],
  keys: 1,
  later: { table: '"', column: '""' },
  role: '"',
}

const database = await testDatabase()

test('schemas, tables, columns and roles may be called anything, in every call', {
  timeout: fuzzTimeout,
}, async () => {
  await new Auditrum(database).sync()
  await fc.assert(
    fc.asyncProperty(names, async (it) => {
      await database.query(`create schema ${quote(it.schema)}`)
      try {
        await follow(it)
      } finally {
        // a name may come again, and its history would go on
        await database.query(`drop schema ${quote(it.schema)} cascade;
          truncate auditrum.audit_event, auditrum.audit_context, auditrum.audit_table, auditrum.audit_shape`)
      }
    }),
    { numRuns: fuzzRuns(10, 100), examples: [[carriageReturn]] },
  )
})

test('the log may be in a schema of any name that it takes, and leaves nothing behind', {
  timeout: fuzzTimeout,
}, async () => {
  const own = await testDatabase()
  await own.query('create table orders (id integer primary key)')
  await fc.assert(
    fc.asyncProperty(logName, async (schema) => {
      const audit = new Auditrum(own, { schema, tables: [track('orders')] })
      await audit.sync()
      await own.query('truncate orders; insert into orders values (1)')
      const { events } = await audit.page({ table: 'orders', id: 1 })
      expect(events).toMatchObject([{ operation: 'insert', new: { id: 1 } }])
      expect(await audit.rowAsOf('orders', 1, { event: events[0]?.id ?? '' })).toEqual({ id: 1 })
      await audit.uninstall({ keepLog: false })
      const { rows } = await own.query(
        `select from pg_namespace where nspname = $1
          union all select from pg_trigger where tgrelid = 'orders'::regclass`,
        [schema],
      )
      expect(rows).toEqual([])
    }),
    { numRuns: fuzzRuns(2, 5_000) },
  )
})

/** From the declaration to the last event, through everything that takes a name. */
async function follow({ schema, table, columns, keys, later, role }: Names): Promise<void> {
  const name = `${quote(schema)}.${quote(table)}`
  const last = columns.at(-1) ?? ''
  const label = last.trim() === '' ? quote(last) : last
  const key = columns.slice(0, keys)
  await database.query(`create table ${name} (
    ${columns.map((column) => `${quote(column)} text`).join(', ')},
    primary key (${key.map(quote).join(', ')}))`)

  const audit = new Auditrum(database, { tables: [track({ schema, table }, { label })] })
  const [, change] = await audit.plan()
  expect(change).toMatchObject({ action: 'install', table: `${schema}.${table}` })
  const { up, down } = await audit.migration()
  expect([up, down].map((sql) => parseSync(sql).stmts?.length)).toEqual([1, 1])
  expect(await audit.sync()).toMatchObject({ installed: [`${schema}.${table}`] })
  expect(await audit.sync()).toMatchObject({ unchanged: [`${schema}.${table}`] })
  const { rows: functions } = await database.query<{ source: string }>(
    `select pg_get_functiondef(tgfoid) as source from pg_trigger where tgrelid = $1::regclass and tgname = '00_auditrum'`,
    [name],
  )
  expect(functions).toHaveLength(1)
  for (const { source } of functions) expect(parsePlPgSQLSync(source)).toBeDefined()

  const before = object(columns.map((column, n) => [column, `value '${n}"`]))
  const after = { ...before, ...object([[last, 'another']]) }
  await writeAs(role, name, [
    [`insert into ${name} values (${columns.map((_, n) => `$${n + 1}`)})`, values(before, columns)],
    [`update ${name} set ${quote(last)} = $1`, ['another']],
  ])
  const id = object(key.map((column) => [column, before[column]]))
  const one = { schema, table }
  const { events } = await audit.page({ table: one, id, labels: true })
  expect(events).toEqual(
    [
      { operation: 'update', new: after, old: before },
      { operation: 'insert', new: before, old: null },
    ].map((event) => expect.objectContaining({ ...event, schema, table, dbUser: role })),
  )
  const [update, insert] = events
  const change_ = object([[last, { old: before[last], new: 'another' }]])
  expect(update?.diff).toEqual(change_)
  expect((await audit.page({ table: one, column: last, operation: 'update' })).events).toHaveLength(
    1,
  )

  const lines = await audit.blame(one, id, { column: last })
  expect(lines).toMatchObject([{ column: last }])
  expect(await audit.label(one, id)).toBe('another')
  expect(await audit.columnHistory(one, id, last)).toHaveLength(2)
  const [then, now] = [insert, update].map((event) => ({ event: event?.id ?? '' }))
  if (!then || !now) throw new Error('There are two events.')
  // node-postgres has no column __proto__ in its rows
  const seen = last === '__proto__' ? [] : [last]
  expect((await audit.compare(one, id, then, now)).changes).toEqual(
    object(seen.map((column) => [column, { from: before[column], to: 'another' }])),
  )
  const [live] = (await database.query(`select * from ${name}`)).rows
  expect(await audit.rowAsOf(one, id, now)).toEqual(live)
  for await (const row of audit.tableAsOf(one, now)) expect(row).toEqual(live)

  await audit.revert(now)
  const [reverted] = (await database.query(`select * from ${name}`)).rows
  expect(await audit.rowAsOf(one, id, then)).toEqual(reverted)
  for (const column of seen) expect(reverted?.[column]).toBe(before[column])

  const moved = `${quote(schema)}.${quote(later.table)}`
  if (later.table !== table)
    await database.query(`alter table ${name} rename to ${quote(later.table)}`)
  await database.query(`alter table ${moved} rename ${quote(last)} to ${quote(later.column)}`)
  await database.query(`update ${moved} set ${quote(later.column)} = 'later'`)
  const renamed = { schema, table: later.table }
  const { events: all } = await audit.page({ table: renamed, limit: 1 })
  const { [last]: _, ...rest } = before
  expect(all[0]?.new).toEqual({ ...rest, ...object([[later.column, 'later']]) })
  expect(await audit.rowAsOf(renamed, id, then)).toEqual(reverted)

  expect(await audit.untrack(renamed)).toBe(true)
  const { rows: left } = await database.query(
    `select from pg_trigger where tgrelid = $1::regclass and not tgisinternal
      union all select from pg_proc where oid = to_regproc($2)`,
    [moved, /^CREATE OR REPLACE FUNCTION ([^(]+)/.exec(functions[0]?.source ?? '')?.[1]],
  )
  expect(left).toEqual([])
}

/** Runs statements as a role that is made for them. */
async function writeAs(role: string, table: string, statements: readonly [string, unknown[]][]) {
  const user = quote(role)
  await database.query(`create role ${user}`)
  const client = await database.client()
  try {
    await client.query(`grant usage on schema ${table.slice(0, schemaEnd(table))} to ${user}`)
    await client.query(`grant all on ${table} to ${user}`)
    await client.query(`set session authorization ${user}`)
    for (const [text, values] of statements) await client.query(text, values)
  } finally {
    await client.end()
    await database.query(`drop owned by ${user}; drop role ${user}`)
  }
}

/** Where the quoted schema in front of a quoted table ends. */
const schemaEnd = (name: string) => /^"(?:[^"]|"")*"/.exec(name)?.[0].length ?? 0

const values = (row: Readonly<Record<string, unknown>>, columns: readonly string[]) =>
  columns.map((column) => row[column])

/** An object with these keys, `__proto__` among them. */
function object(entries: readonly (readonly [string, unknown])[]): Record<string, unknown> {
  return Object.fromEntries(entries)
}

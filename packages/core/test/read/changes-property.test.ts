import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { Auditrum, type RowChange } from '../../src/index.js'
import { type AuditedDatabase, auditedDatabase } from '../support.js'

let database: AuditedDatabase
let audit: Auditrum
beforeAll(async () => {
  database = await auditedDatabase()
  audit = new Auditrum(database)
})

type Rows = Map<string, Record<string, unknown>>

const key = fc.integer({ min: 1, max: 5 })
const statement = fc.oneof(
  fc
    .tuple(key, key)
    .map(([id, n]) => `insert into TABLE values (${id}, ${n}, 'x') on conflict do nothing`),
  fc.tuple(key, key).map(([id, n]) => `update TABLE set n = ${n} where id = ${id}`),
  fc
    .tuple(key, key)
    .map(([id, n]) => `update TABLE set a = nullif(a || ${n}, 'x3') where id <= ${id}`),
  key.map((id) => `delete from TABLE where id = ${id}`),
  fc
    .tuple(key, key)
    .map(
      ([id, to]) =>
        `update TABLE set id = ${to}, n = 0 where id = ${id} and not exists (select from TABLE where id = ${to})`,
    ),
)

describe.for(['full', 'changed'] as const)('with image %s', (image) => {
  const table = `things_${image}`
  beforeAll(async () => {
    await database.tracked(table, `create table ${table} (id int primary key, n int, a text)`, {
      image,
    })
  })

  test('net changes turn the table before a transaction into the one behind it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(statement, { minLength: 1, maxLength: 12 }), async (statements) => {
        const before = await rows(table)
        const text = statements.join(';').replaceAll('TABLE', table)
        const events = await database.recorded(`begin; ${text}; commit`)
        const [event] = events
        const changes: RowChange[] = []
        if (event) {
          const of = { transaction: String(event.transaction_id) }
          for await (const change of audit.changes(of)) changes.push(change)
        }
        expect(applied(before, changes)).toEqual(await rows(table))
      }),
      { numRuns: 60 },
    )
  })
})

async function rows(table: string): Promise<Rows> {
  const { rows } = await database.query(`select * from ${table} order by id`)
  return new Map(rows.map((row) => [String(row.id), row]))
}

/** The rows behind the changes; each of these tells the truth about the row before, and says something. */
function applied(before: Rows, changes: readonly RowChange[]): Rows {
  const behind = new Map(before)
  for (const { operation, objectId, oldObjectId } of changes) {
    if (operation !== 'insert') behind.delete(String(oldObjectId ?? objectId))
  }
  for (const { operation, objectId, oldObjectId, changes: columns } of changes) {
    const row = operation === 'insert' ? undefined : before.get(String(oldObjectId ?? objectId))
    const differing = Object.entries(columns)
    expect(differing).not.toEqual([])
    for (const [column, change] of differing) {
      expect(change?.from).toEqual(row ? row[column] : null)
      if (operation === 'update') expect(change?.from).not.toEqual(change?.to)
    }
    if (operation === 'delete') continue
    expect(behind.has(String(objectId))).toBe(false)
    const values = Object.fromEntries(differing.map(([column, change]) => [column, change?.to]))
    behind.set(String(objectId), { ...row, ...values })
  }
  return new Map([...behind].sort(([a], [b]) => Number(a) - Number(b)))
}

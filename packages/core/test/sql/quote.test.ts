import { testDatabase } from '@auditrum/testkit/vitest'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Auditrum, type TrackOptions, track } from '../../src/index.js'
import { quoteIdentifier, quoteLiteral } from '../../src/sql/quote.js'

/** What PostgreSQL can hold: no NUL, no lone surrogate. */
const text = fc.string({ unit: 'grapheme', maxLength: 60 }).filter((value) => !value.includes('\0'))

test.for(['on', 'off'])(
  'any text survives as a literal, with standard_conforming_strings %s',
  async (setting) => {
    const database = await testDatabase()
    const client = await database.client({ options: `-c standard_conforming_strings=${setting}` })
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(text, fc.constantFrom(`'`, `\\`, `\\'`, `E'\\`, `$$`)),
        async (value) => {
          const { rows } = await client.query(`select ${quoteLiteral(value)} as value`)
          expect(rows[0].value).toBe(value)
        },
      ),
      { numRuns: 200 },
    )
  },
)

test('any name survives as an identifier', async () => {
  const database = await testDatabase()
  const client = await database.client()
  await fc.assert(
    fc.asyncProperty(text, async (value) => {
      fc.pre(value !== '' && Buffer.byteLength(value) <= 63)
      const { fields } = await client.query(`select 1 as ${quoteIdentifier(value)}`)
      expect(fields[0]?.name).toBe(value)
    }),
    { numRuns: 200 },
  )
})

/** Ways to keep a column's value out of the log. */
const secrecy = fc.constantFrom<(key: string, column: string) => TrackOptions>(
  (_, column) => ({ mask: [column] }),
  (_, column) => ({ exclude: [column], image: 'changed' }),
  (key, column) => ({ only: [key], mask: [column] }),
)

test('a table and its columns may be called anything', async () => {
  const database = await testDatabase()
  const audit = new Auditrum(database)
  await audit.sync()
  await fc.assert(
    fc.asyncProperty(text, text, text, secrecy, async (table, key, column, secret) => {
      const fits = (name: string) => name !== '' && Buffer.byteLength(name) <= 63
      fc.pre([table, key, column].every(fits) && key !== column)
      // system columns
      fc.pre(
        !/^(tableoid|[cx]m(in|ax)|ctid)$/.test(key) &&
          !/^(tableoid|[cx]m(in|ax)|ctid)$/.test(column),
      )
      const name = quoteIdentifier(table)
      await database.query(
        `drop table if exists ${name}; create table ${name} (${quoteIdentifier(key)} text primary key, ${quoteIdentifier(column)} text)`,
      )
      const one = new Auditrum(database, { tables: [track({ table }, secret(key, column))] })
      await one.sync()
      await database.query(`insert into ${name} values ('k', 'v')`)
      // a name may come twice, and its history goes on
      const { events } = await one.page({ table: { table }, limit: 1 })
      expect(events).toMatchObject([{ table, objectId: 'k', new: { [key]: 'k' } }])
    }),
    { numRuns: 15, endOnFailure: true },
  )
})

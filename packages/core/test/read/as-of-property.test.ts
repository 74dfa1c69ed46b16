import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Auditrum, type Moment } from '../../src/index.js'
import { Model, transaction } from '../programs.js'
import { auditedDatabase } from '../support.js'

type Rows = Record<string, unknown>[]

/** Null and not there are one: of a column that came and went while nobody wrote, nothing is written. */
function known(rows: Readonly<Rows>) {
  return rows.map((row) =>
    Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null)),
  )
}

test('every state that a random program went through is there again', {
  timeout: 500_000,
}, async () => {
  const database = await auditedDatabase()
  const audit = new Auditrum(database)
  let run = 0
  const select = async (text: string): Promise<Rows> => (await database.query(text)).rows
  const trackAgain = (name: string) =>
    database.query(
      `select auditrum.track('${name}', declaration) from auditrum.audit_table where table_name = '${name}'`,
    )

  await fc.assert(
    fc.asyncProperty(
      fc.array(transaction, { minLength: 3, maxLength: 14 }),
      fc.tuple(fc.constantFrom('full', 'changed'), fc.constantFrom('full', 'changed')),
      async (program, images) => {
        run += 1
        const model = new Model([`first_${run}`, `second_${run}`])
        for (const [index, name] of model.names.entries()) {
          await database.query(`create table ${name} (id int primary key, a int, b text)`)
          await database.track(name, { image: images[index] as 'full' | 'changed' })
        }
        const states: { readonly at: Moment; readonly rows: readonly Rows[] }[] = []
        let newest = '0'
        /** The state, by the clock, and by its last event where there is a new one. */
        const record = async () => {
          const rows: Rows[] = []
          for (const name of model.names)
            rows.push(await select(`select * from ${name} order by id`))
          const [time] = await select(
            `select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as now`,
          )
          states.push({ at: String(time?.now), rows })
          const { events } = await audit.page({ limit: 1 })
          const event = events[0]
          if (!event || event.id === newest) return
          newest = event.id
          states.push({ at: { event: newest }, rows })
          states.push({ at: { transaction: String(event.transactionId) }, rows })
        }
        await record()
        for (const { parts, isKept } of program) {
          await database.query('begin')
          for (const part of parts) {
            await database.query('savepoint part')
            for (const step of part.steps) {
              await database.query(model.sql(step))
              // as a migration does
              if (/add|drop|rename|retype/.test(step.kind))
                await trackAgain(model.names[step.table])
            }
            if (!part.isKept) await database.query('rollback to part')
          }
          await database.query(isKept ? 'commit' : 'rollback')
          await record()
        }

        for (const { at, rows } of states) {
          for (const [index, name] of model.names.entries()) {
            const expected = rows[index] ?? []
            const found: Rows = []
            for await (const row of audit.tableAsOf<Rows[0]>(name, at)) found.push(row)
            expect(known(found)).toEqual(known(expected))
            for (const row of expected) {
              const single = await audit.rowAsOf(name, Number(row.id), at)
              expect(known([single ?? {}])).toEqual(known([row]))
            }
            if (typeof at !== 'string') continue
            const ids = await select(
              `select id from auditrum.as_of(null::${name}, '${at}') order by id`,
            )
            expect(ids).toEqual(expected.map((row) => ({ id: row.id })))
          }
        }
      },
    ),
    { numRuns: 12 },
  )
})

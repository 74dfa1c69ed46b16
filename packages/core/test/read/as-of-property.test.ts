import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Auditrum, type Moment } from '../../src/index.js'
import { auditedDatabase } from '../support.js'

/** What a program may do. Columns and keys are chosen by number among those that are there. */
type Step =
  | {
      readonly kind: 'insert' | 'delete'
      readonly table: 0 | 1
      readonly id: number
      readonly value: number
    }
  | {
      readonly kind: 'update'
      readonly table: 0 | 1
      readonly id: number
      readonly column: number
      readonly value: number | null
    }
  | { readonly kind: 'rekey'; readonly table: 0 | 1; readonly id: number; readonly value: number }
  | { readonly kind: 'truncate'; readonly table: 0 | 1 }
  | {
      readonly kind: 'add' | 'drop' | 'rename' | 'retype'
      readonly table: 0 | 1
      readonly column: number
      readonly type: number
    }

interface Transaction {
  /** Steps, each list in a savepoint of its own, which is kept or not. */
  readonly parts: readonly { readonly steps: readonly Step[]; readonly isKept: boolean }[]
  readonly isKept: boolean
}

const table = fc.constantFrom(0 as const, 1 as const)
const id = fc.integer({ min: 1, max: 5 })
const value = fc.integer({ min: 0, max: 3 })
const column = fc.nat(9)
const write: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('insert' as const), table, id, value }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('update' as const),
      table,
      id,
      column,
      value: fc.option(value),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('delete' as const), table, id, value }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('rekey' as const), table, id, value: id }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('truncate' as const), table }) },
)
const ddl: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom('add' as const, 'drop' as const, 'rename' as const, 'retype' as const),
  table,
  column,
  type: fc.nat(2),
})
const transaction: fc.Arbitrary<Transaction> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      parts: fc.array(
        fc.record({ steps: fc.array(write, { minLength: 1, maxLength: 3 }), isKept: fc.boolean() }),
        { minLength: 1, maxLength: 3 },
      ),
      isKept: fc.integer({ min: 0, max: 4 }).map((n) => n > 0),
    }),
  },
  {
    weight: 1,
    arbitrary: ddl.map((step) => ({ parts: [{ steps: [step], isKept: true }], isKept: true })),
  },
)

/** Of which each can hold what the others do. */
const types = ['int', 'text', 'bigint']

/** Two tables, and what is needed to write statements about them. */
class Model {
  readonly names: readonly [string, string]
  readonly columns: readonly [string[], string[]] = [
    ['a', 'b'],
    ['a', 'b'],
  ]
  #next = 0

  constructor(names: readonly [string, string]) {
    this.names = names
  }

  /** A column of a table by any number; its key is not among them. */
  #column(step: { readonly table: 0 | 1; readonly column: number }): string | undefined {
    const columns = this.columns[step.table]
    return columns[step.column % columns.length]
  }

  sql(step: Step): string {
    const name = this.names[step.table]
    switch (step.kind) {
      case 'insert':
        return this.#insert(step)
      case 'delete':
        return `delete from ${name} where id = ${step.id}`
      case 'rekey':
        return `update ${name} set id = ${step.value} where id = ${step.id} and not exists (select from ${name} where id = ${step.value})`
      case 'truncate':
        return `truncate ${name}`
      case 'update': {
        const column = this.#column(step)
        const set = step.value === null ? 'null' : `'${step.value}'`
        return column ? `update ${name} set ${column} = ${set} where id = ${step.id}` : 'select'
      }
      default:
        return this.#ddl(step)
    }
  }

  #insert({
    table,
    id,
    value,
  }: {
    readonly table: 0 | 1
    readonly id: number
    readonly value: number
  }) {
    const columns = this.columns[table]
    const values = columns.map((_, index) => `, '${value + index}'`).join('')
    return `insert into ${this.names[table]} (${['id', ...columns].join(', ')}) values (${id}${values}) on conflict (id) do nothing`
  }

  #ddl(step: Extract<Step, { kind: 'add' | 'drop' | 'rename' | 'retype' }>): string {
    const name = this.names[step.table]
    const columns = this.columns[step.table]
    const column = this.#column(step)
    const type = types[step.type] as string
    const fresh = `c${this.#next++}`
    if (step.kind === 'add' || column === undefined) {
      columns.push(fresh)
      return `alter table ${name} add ${fresh} ${type}`
    }
    const at = columns.indexOf(column)
    if (step.kind === 'drop') columns.splice(at, 1)
    if (step.kind === 'rename') columns.splice(at, 1, fresh)
    return {
      drop: `alter table ${name} drop ${column}`,
      rename: `alter table ${name} rename ${column} to ${fresh}`,
      retype: `alter table ${name} alter ${column} type ${type} using ${column}::text::${type}`,
    }[step.kind]
  }
}

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

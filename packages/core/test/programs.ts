import fc from 'fast-check'

/** What a program may do. Columns and keys are chosen by number among those that are there. */
export type Step =
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

export interface Transaction {
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
export const transaction: fc.Arbitrary<Transaction> = fc.oneof(
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
export class Model {
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

import { fuzzRuns, fuzzTimeout } from '@auditrum/testkit/fuzz'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Auditrum } from '../../src/index.js'
import { Model, type Step, transaction } from '../programs.js'
import { auditedDatabase } from '../support.js'

type Row = Readonly<Record<string, unknown>>
type Rows = ReadonlyMap<string, Row>

/** What the log says of a table, told from what statements did to it; columns that it does not tell are not there. */
class Told {
  rows: Map<string, Row> = new Map()
  readonly #image: 'full' | 'changed'

  constructor(image: 'full' | 'changed') {
    this.#image = image
  }

  write(step: Step, before: Rows, after: Rows) {
    if (step.kind === 'truncate') this.rows.clear()
    const gone = [...before.keys()].filter((id) => !after.has(id))
    const came = [...after.keys()].filter((id) => !before.has(id))
    const source = step.kind === 'rekey' && gone[0] ? this.rows.get(gone[0]) : undefined
    for (const id of gone) this.rows.delete(id)
    for (const [id, row] of after) {
      if (step.kind === 'rekey' && came[0] === id) {
        this.rows.set(id, this.#image === 'full' ? row : { ...source, id: row.id })
      } else if (came.includes(id)) {
        this.rows.set(id, row)
      } else if (JSON.stringify(before.get(id)) !== JSON.stringify(row)) {
        const changed = Object.entries(row).filter(
          ([name, value]) => before.get(id)?.[name] !== value,
        )
        const image = { ...Object.fromEntries(changed), id: row.id }
        this.rows.set(id, this.#image === 'full' ? row : { ...this.rows.get(id), ...image })
      }
    }
  }

  /** Columns are followed by name: what was dropped or retyped is no longer told. */
  alter(columns: readonly string[], renamed: readonly [from: string, to: string] | undefined) {
    this.rows = new Map(
      [...this.rows].map(([id, row]) => {
        const named = Object.entries(row).map(([name, value]) => [
          name === renamed?.[0] ? renamed[1] : name,
          value,
        ])
        return [id, Object.fromEntries(named.filter(([name]) => columns.includes(String(name))))]
      }),
    )
  }

  differences(live: Rows): readonly string[] {
    const found: string[] = []
    for (const [id, row] of live) {
      const told = this.rows.get(id)
      if (!told) found.push(`unlogged_insert ${id}`)
      else {
        const columns = Object.keys(told).filter((name) => told[name] !== row[name])
        if (columns.length > 0) found.push(`unlogged_update ${id} ${columns.sort()}`)
      }
    }
    for (const id of this.rows.keys()) if (!live.has(id)) found.push(`unlogged_delete ${id}`)
    return found.sort()
  }
}

test('after a random program exactly those rows are named whose last change was not recorded', {
  timeout: fuzzTimeout,
}, async () => {
  const database = await auditedDatabase()
  const audit = new Auditrum(database)
  let run = 0
  const live = async (name: string): Promise<Rows> => {
    const { rows } = await database.query<{ id: string; row: Row }>(
      `select id::text, to_jsonb(own) as row from ${name} as own order by id`,
    )
    return new Map(rows.map(({ id, row }) => [id, row]))
  }
  const problems = async (name: string) => {
    const { ok, tables } = await audit.verifyTables(name)
    const found = (tables[0]?.problems ?? []).map(({ kind, id, columns }) =>
      [kind, id, columns?.toSorted()].filter((part) => part != null).join(' '),
    )
    expect(ok).toBe(found.length === 0)
    expect(tables[0]?.unknown).toBe(0)
    return found.sort()
  }

  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({ transaction, isLogged: fc.integer({ min: 0, max: 4 }).map((n) => n > 0) }),
        {
          minLength: 3,
          maxLength: 14,
        },
      ),
      fc.constantFrom('full' as const, 'changed' as const),
      fc.boolean(),
      async (program, image, isSynced) => {
        run += 1
        const model = new Model([`first_${run}`, `second_${run}`])
        const told = model.names.map(() => new Told(image))
        for (const name of model.names) {
          await database.query(`create table ${name} (id int primary key, a int, b text)`)
          await database.track(name, { image })
        }
        const step = async (each: Step, isLogged: boolean) => {
          // until sync has noted it, it is not known which events are of before it
          if (each.kind === 'retype' && !isSynced) return
          const name = model.names[each.table]
          const own = told[each.table] as Told
          const before = await live(name)
          const columns = [...model.columns[each.table]]
          await database.query(model.sql(each))
          const now = model.columns[each.table]
          if (/add|drop|rename|retype/.test(each.kind)) {
            if (isSynced) await database.track(name, { image })
            const [from] = columns.filter((column) => !now.includes(column))
            const [to] = now.filter((column) => !columns.includes(column))
            const retyped =
              each.kind === 'retype' && !to ? columns[each.column % columns.length] : undefined
            own.alter(
              ['id', ...now.filter((column) => column !== retyped)],
              from && to ? [from, to] : undefined,
            )
          } else if (isLogged) own.write(each, before, await live(name))
        }
        for (const { transaction, isLogged } of program) {
          const saved = told.map(({ rows }) => new Map(rows))
          await database.query('begin')
          if (!isLogged) await database.query('set local session_replication_role = replica')
          for (const part of transaction.parts) {
            const kept = told.map(({ rows }) => new Map(rows))
            await database.query('savepoint part')
            for (const each of part.steps) await step(each, isLogged)
            if (part.isKept) continue
            await database.query('rollback to part')
            for (const [index, own] of told.entries()) own.rows = kept[index] as Map<string, Row>
          }
          await database.query(transaction.isKept ? 'commit' : 'rollback')
          if (transaction.isKept) continue
          for (const [index, own] of told.entries()) own.rows = saved[index] as Map<string, Row>
        }
        for (const [index, name] of model.names.entries()) {
          expect(await problems(name)).toEqual(told[index]?.differences(await live(name)))
        }
      },
    ),
    { numRuns: fuzzRuns(25, 100) },
  )
})

import { anyName, fuzzRuns, fuzzTimeout, logName } from '@auditrum/testkit/fuzz'
import fc from 'fast-check'
import { loadModule, parsePlPgSQLSync, parseSync } from 'libpg-query'
import { beforeAll, describe, expect, test } from 'vitest'
import { type TrackOptions, track } from '../declare/track.js'
import { migrationSql } from './migration.js'
import { migrationFiles } from './migration-file.js'
import { schemaSql, trackingSql } from './schema.js'

beforeAll(loadModule)

const names = fc.uniqueArray(anyName, { minLength: 1, maxLength: 3 })
const options: fc.Arbitrary<TrackOptions> = fc.record(
  {
    only: names,
    ignore: names,
    label: anyName.filter((name) => name.trim() !== ''),
    when: anyName.filter((name) => name.trim() !== ''),
  },
  { requiredKeys: [] },
)
const declaration = fc
  .tuple(fc.record({ schema: anyName, table: anyName }, { requiredKeys: ['table'] }), options)
  .map(([table, options]) => track({ ...table }, options))

describe('the SQL of any names, as the parser of PostgreSQL 18 reads it', {
  timeout: fuzzTimeout,
}, () => {
  test('tracks the table that was named, as declared, and does nothing else', () => {
    fc.assert(
      fc.property(declaration, anyName, logName, (declared, app, schema) => {
        const text = trackingSql(declared, { app, schema })
        expect(calls(text)).toEqual([
          { name: [schema, 'track'], table: declared.table, options: declared.options, app },
        ])
      }),
      { numRuns: fuzzRuns(2_000) },
    )
  })

  test('is the same in a migration, in plain SQL and in a file of Knex or Sequelize', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(declaration, { maxLength: 3 }),
        anyName,
        async (declared, reason) => {
          const changes = declared.map((each) => ({
            action: 'install' as const,
            table: each.table.table,
            reasons: [reason],
            sql: trackingSql(each),
            undo: trackingSql(each),
          }))
          const sql = migrationSql(changes)
          const tables = declared.map(({ table }) => table)
          expect(calls(sql.up).map(({ table }) => table)).toEqual(tables)
          expect(calls(sql.down).map(({ table }) => table)).toEqual(tables.toReversed())
          for (const host of ['knex', 'sequelize'] as const) {
            for (const { text } of migrationFiles(sql, { for: host })) {
              expect(await sent(text)).toEqual({ up: [sql.up], down: [sql.down] })
            }
          }
        },
      ),
      { numRuns: fuzzRuns(300, 10), examples: [[[track({ table: 'a\rb' })], 'a\r\nb']] },
    )
  })

  test('installs the log in a schema of any name that it may have, and is refused for others', () => {
    const usual = parseSync(schemaSql()).stmts ?? []
    fc.assert(
      fc.property(fc.oneof({ weight: 2, arbitrary: logName }, anyName), (schema) => {
        if (!/^[\p{L}\p{N}_ -]+$/u.test(schema) || /^pg_/i.test(schema)) {
          expect(() => schemaSql({ schema })).toThrow(/^The log cannot be kept in .+\. Use .+\.$/s)
          return
        }
        const text = schemaSql({ schema })
        const found = parseSync(text).stmts ?? []
        expect(found).toHaveLength(usual.length)
        usual.forEach((each, n) => {
          expect(renamed(each.stmt, found[n]?.stmt, schema)).toEqual([])
        })
      }),
      { numRuns: fuzzRuns(4, 1_000) },
    )
  })

  test('installs functions whose bodies are SQL', () => {
    const text = Buffer.from(schemaSql({ schema: 'the log' }))
    for (const { stmt, stmt_location: from = 0, stmt_len: length } of parseSync(`${text}`).stmts ??
      []) {
      const statement = text.subarray(from, length ? from + length : undefined).toString()
      if (!stmt || !('CreateFunctionStmt' in stmt)) continue
      if (/LANGUAGE plpgsql/.test(statement)) expect(parsePlPgSQLSync(statement)).toBeDefined()
      else
        expect(
          parseSync(/AS \$function\$(.*)\$function\$/s.exec(statement)?.[1] ?? '').stmts,
        ).toHaveLength(1)
    }
  })
})

/** The calls of track in a text that contains nothing else. */
function calls(text: string) {
  if (text === '') return []
  return (parseSync(text).stmts ?? []).map(({ stmt }) => {
    const { SelectStmt, ...others } = stmt as unknown as Tree
    const [target, ...more] = SelectStmt?.targetList ?? []
    const { funcname = [], args = [] } = target?.ResTarget?.val?.FuncCall ?? {}
    const [table = '', options = '', app] = args.map((arg) => arg.A_Const?.sval?.sval)
    expect([others, more, Object.keys(SelectStmt ?? {})]).toEqual([
      {},
      [],
      ['targetList', 'limitOption', 'op'],
    ])
    return {
      name: funcname.map((part) => part.String?.sval),
      table: tableOf(table),
      options: JSON.parse(options),
      app,
    }
  })
}

/** What a text names as a table, and nothing more. */
function tableOf(name: string) {
  const [{ stmt } = {}, ...more] = parseSync(`table ${name}`).stmts ?? []
  const { fromClause = [] } = (stmt as unknown as Tree).SelectStmt ?? {}
  const { schemaname, relname, catalogname } = fromClause[0]?.RangeVar ?? {}
  expect([more, catalogname, fromClause.length]).toEqual([[], undefined, 1])
  return { ...(schemaname !== undefined && { schema: schemaname }), table: relname }
}

/** The parts of a tree that are looked at. */
interface Tree {
  readonly SelectStmt?: {
    readonly targetList?: readonly {
      readonly ResTarget?: {
        readonly val?: {
          readonly FuncCall?: {
            readonly funcname?: readonly { readonly String?: { readonly sval: string } }[]
            readonly args?: readonly {
              readonly A_Const?: { readonly sval?: { readonly sval: string } }
            }[]
          }
        }
      }
    }[]
    readonly fromClause?: readonly {
      readonly RangeVar?: {
        readonly catalogname?: string
        readonly schemaname?: string
        readonly relname?: string
      }
    }[]
  }
}

/** Where two trees differ, but for the name of the schema, and texts in which it occurs. */
function renamed(usual: unknown, found: unknown, schema: string, at = ''): string[] {
  if (typeof usual !== 'object' || usual === null) {
    const isSame =
      usual === 'auditrum'
        ? found === schema
        : typeof usual === 'string' && usual.includes('auditrum')
          ? typeof found === 'string'
          : usual === found
    return isSame ? [] : [`${at}: ${usual} is ${found}`]
  }
  const keys = new Set([...Object.keys(usual), ...Object.keys(Object(found))])
  return [...keys].flatMap((key) =>
    /^(location|stmt_location|stmt_len)$/.test(key)
      ? []
      : renamed(
          (usual as Record<string, unknown>)[key],
          Object(found)[key] as unknown,
          schema,
          `${at}.${key}`,
        ),
  )
}

/** What a migration in a file sends. */
async function sent(text: string) {
  const exports: Record<string, (host: unknown) => Promise<void>> = {}
  new Function('exports', text)(exports)
  const run = async (direction: string) => {
    const queries: string[] = []
    const query = async (sql: string) => queries.push(sql)
    const client = {
      acquireConnection: async () => ({ query }),
      releaseConnection: () => undefined,
    }
    await exports[direction]?.({ client, sequelize: { query } })
    return queries
  }
  return { up: await run('up'), down: await run('down') }
}

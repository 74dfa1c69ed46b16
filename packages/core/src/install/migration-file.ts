import { UsageError } from '../errors.js'
import { checkOptions, show } from '../options.js'
import type { MigrationSql } from './migration.js'

/** What {@link migrationFiles} may be told. */
export interface MigrationFileOptions {
  /** Whose migration it is: Knex's; Sequelize's, for sequelize-cli and umzug; or plain SQL. */
  readonly for: 'knex' | 'sequelize' | 'sql'
  /**
   * What it is called, in words.
   *
   * @defaultValue `'auditrum'`
   */
  readonly name?: string | undefined
  /**
   * The language of a file for Knex or Sequelize: CommonJS, TypeScript, or ECMAScript modules.
   *
   * @defaultValue `'js'`
   */
  readonly format?: 'js' | 'ts' | 'esm' | undefined
  /** @defaultValue now; it stands in the name, in UTC */
  readonly date?: Date | undefined
}

/** A file to be written into the folder of migrations. */
export interface MigrationFile {
  readonly name: string
  readonly text: string
}

type Format = 'js' | 'ts' | 'esm'

const kinds: readonly unknown[] = ['knex', 'sequelize', 'sql']
const extensions: Readonly<Record<Format, string>> = { js: 'js', ts: 'ts', esm: 'mjs' }

/**
 * A migration in the form in which Knex or Sequelize keep theirs. It needs nothing of this project
 * when it runs. For plain SQL there are two files, up and down. Where there is nothing to do there is none.
 *
 * @throws UsageError for an option that is unknown or of the wrong kind.
 * @example
 * ```ts
 * for (const { name, text } of migrationFiles(await audit.migration(), { for: 'knex' })) {
 *   await writeFile(`migrations/${name}`, text)
 * }
 * ```
 */
export function migrationFiles(
  sql: MigrationSql,
  options: MigrationFileOptions,
): readonly MigrationFile[] {
  checkOptions('migrationFiles', options, ['for', 'name', 'format', 'date'])
  const { for: kind, name = 'auditrum', format = 'js', date = new Date() } = options
  if (!kinds.includes(kind)) refuse('for', kind, "It is 'knex', 'sequelize' or 'sql'")
  if (!Object.hasOwn(extensions, format)) refuse('format', format, "It is 'js', 'ts' or 'esm'")
  if (typeof sql?.up !== 'string' || typeof sql.down !== 'string') {
    throw new UsageError(
      `migrationFiles was given ${show(sql)}. Give what migration() resolves to: migrationFiles(await audit.migration(), …).`,
    )
  }
  if (!(date instanceof Date) || Number.isNaN(date.getTime()))
    refuse('date', String(date), 'Give a Date')
  if (typeof name !== 'string' || !/[a-z0-9]/i.test(name)) refuse('name', name, 'Give some words')
  if (sql.up === '' && sql.down === '') return []
  const time = date.toISOString().replace(/\D/g, '').slice(0, 14)
  const words = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '')
  if (kind === 'sql') {
    return [
      { name: `${time}_${words}.up.sql`, text: sql.up },
      { name: `${time}_${words}.down.sql`, text: sql.down },
    ]
  }
  const file = kind === 'knex' ? `${time}_${words}` : `${time}-${words.replaceAll('_', '-')}`
  return [{ name: `${file}.${extensions[format]}`, text: texts[kind](sql, format) }]
}

const texts: Readonly<Record<'knex' | 'sequelize', (sql: MigrationSql, format: Format) => string>> =
  {
    knex: (sql, format) => `${format === 'ts' ? "import type { Knex } from 'knex'\n\n" : ''}\
${exported('up', format, 'knex', 'Knex')} {
  await run(knex, ${templateLiteral(sql.up)})
}

${exported('down', format, 'knex', 'Knex')} {
  await run(knex, ${templateLiteral(sql.down)})
}

// not by knex.raw, which takes every question mark for a binding
async function run(${typed('knex', 'Knex', format)}, ${typed('sql', 'string', format)})${promised(format)} {
  const connection = await knex.client.acquireConnection()
  try {
    if (sql) await connection.query(sql)
  } finally {
    await knex.client.releaseConnection(connection)
  }
}
`,
    sequelize: (
      sql,
      format,
    ) => `${format === 'ts' ? "import type { QueryInterface } from 'sequelize'\n\ntype Migration = QueryInterface | { context: QueryInterface }\n\n" : ''}\
${exported('up', format, 'migration', 'Migration')} {
  await run(migration, ${templateLiteral(sql.up)})
}

${exported('down', format, 'migration', 'Migration')} {
  await run(migration, ${templateLiteral(sql.down)})
}

// sequelize-cli gives the query interface, umzug an object with it
async function run(${typed('migration', 'Migration', format)}, ${typed('sql', 'string', format)})${promised(format)} {
  const { sequelize } = 'context' in migration ? migration.context : migration
  if (sql) await sequelize.query(sql)
}
`,
  }

function exported(name: string, format: Format, parameter: string, type: string): string {
  return format === 'js'
    ? `exports.${name} = async function ${name}(${parameter})`
    : `export async function ${name}(${typed(parameter, type, format)})${promised(format)}`
}

function typed(name: string, type: string, format: Format): string {
  return format === 'ts' ? `${name}: ${type}` : name
}

function promised(format: Format): string {
  return format === 'ts' ? ': Promise<void>' : ''
}

function templateLiteral(text: string): string {
  const escaped = text.replace(/[\\`]|\$\{/g, (found) => `\\${found}`)
  // JavaScript reads any line break in a template as \n
  return `\`${escaped.replaceAll('\r', '\\r')}\``
}

function refuse(name: string, value: unknown, remedy: string): never {
  throw new UsageError(`migrationFiles was given ${name}: ${show(value)}. ${remedy}.`)
}

import { createHash } from 'node:crypto'
import { UsageError } from '../errors.js'
import { sql } from './generated.js'
import { quoteIdentifier, quoteLiteral } from './quote.js'

/** The path of a file in packages/core/sql, without `.sql`. */
export type SqlName = keyof typeof sql

/** The schema of the log where the options name no other. */
export const DEFAULT_SCHEMA = 'auditrum'

/** The version of the tables, views and functions that this package installs. */
export const SCHEMA_VERSION = 1

/**
 * The text of an .sql file with its placeholders filled in: `:schema` (the identifier, also inside
 * `':schema.name'`), `:version`, and as literals `:'schema'`, `:'remembered'` (the setting in which a
 * transaction remembers its context row) and `:'trigger'` (our trigger's name).
 */
export function render(name: SqlName, schema: string): string {
  const key = `${name} ${schema}`
  const text = rendered.get(key) ?? renderAnew(name, schema)
  rendered.set(key, text)
  return text
}

const rendered = new Map<string, string>()

function renderAnew(name: SqlName, schema: string): string {
  checkSchema(schema)
  const literals: Record<string, string> = {
    schema,
    remembered: `auditrum.remembered${suffix(schema)}`,
    trigger: triggerName(schema),
  }
  return sql[name]
    .replace(/:'(schema|remembered|trigger)'/g, (_, key: string) =>
      quoteLiteral(literals[key] ?? ''),
    )
    .replace(/(?<!:):schema\b/g, quoteIdentifier(schema))
    .replace(/(?<!:):version\b/g, String(SCHEMA_VERSION))
}

/** AFTER triggers fire in the order of their names: this one before any that an application has. */
export function triggerName(schema: string): string {
  return `00_auditrum${suffix(schema)}`
}

/**
 * The log's schema may be called what people call schemas; quotes, backslashes and dollar signs
 * would need escaping inside function bodies, and nobody wants them there.
 */
export function checkSchema(schema: string): void {
  if (typeof schema !== 'string' || !/^[\p{L}\p{N}_ -]+$/u.test(schema) || /^pg_/i.test(schema)) {
    throw new UsageError(
      `The log cannot be kept in a schema called ${JSON.stringify(schema)}. Use letters, digits, "_", "-" and spaces, and no name that begins with pg_.`,
    )
  }
}

/** Two logs in one database share neither settings nor trigger names. */
function suffix(schema: string): string {
  if (schema === DEFAULT_SCHEMA) return ''
  return `_${createHash('md5').update(schema).digest('hex').slice(0, 8)}`
}

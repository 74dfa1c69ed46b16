import { DeclarationError } from '../errors.js'
import { show } from '../options.js'
import { quoteIdentifier } from '../sql/quote.js'

/** A table by its schema and name; without a schema it is found by the connection's search_path. */
export interface TableName {
  readonly schema?: string | undefined
  readonly table: string
}

/**
 * Reads a table's name as users write it: `'orders'`, `'billing.invoices'`, or an object for names
 * that contain a dot. Upper case stays as written.
 *
 * @throws DeclarationError where it is not one of these, or PostgreSQL could not hold the name.
 */
export function parseTable(table: string | TableName): TableName {
  const name: unknown = table
  if (isTableName(name)) return checked(name)
  if (typeof name !== 'string') {
    throw new DeclarationError(
      `A table cannot be named by ${show(name)}. Write 'orders', 'schema.orders' or { schema, table }.`,
    )
  }
  const parts = name.split('.')
  if (parts.length > 2) {
    throw new DeclarationError(
      `The table name ${JSON.stringify(name)} has more than one dot. Write { schema, table } where a name contains a dot.`,
    )
  }
  const [first = '', second] = parts
  return checked(second === undefined ? { table: first } : { schema: first, table: second })
}

/** The name as SQL, quoted: `"billing"."invoices"`. */
export function quoteTable({ schema, table }: TableName): string {
  return schema === undefined
    ? quoteIdentifier(table)
    : `${quoteIdentifier(schema)}.${quoteIdentifier(table)}`
}

/** The name as people read it: `billing.invoices`. */
export function showTable({ schema, table }: TableName): string {
  return schema === undefined ? table : `${schema}.${table}`
}

/** Exactly that: a misspelt schema would be none, and the table another one. */
function isTableName(name: unknown): name is TableName {
  if (typeof name !== 'object' || name === null || !('table' in name)) return false
  const { table, schema, ...rest } = name as Record<string, unknown>
  return (
    typeof table === 'string' &&
    (schema === undefined || typeof schema === 'string') &&
    Object.keys(rest).length === 0
  )
}

function checked({ schema, table }: TableName): TableName {
  try {
    quoteTable({ schema, table })
  } catch (error) {
    throw new DeclarationError((error as Error).message, { cause: error })
  }
  return Object.freeze(schema === undefined ? { table } : { schema, table })
}

import { UsageError } from '../errors.js'

/** PostgreSQL cuts longer identifiers without a word, so that two names can become one. */
const MAX_IDENTIFIER_BYTES = 63

/**
 * Quotes an identifier.
 *
 * @throws UsageError where it is empty, holds a NUL character, or has more than 63 bytes in UTF-8.
 * @see https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-IDENTIFIERS
 */
export function quoteIdentifier(name: string): string {
  const problem =
    name === ''
      ? 'is empty'
      : name.includes('\0')
        ? 'holds a NUL character'
        : Buffer.byteLength(name) > MAX_IDENTIFIER_BYTES
          ? `has more than ${MAX_IDENTIFIER_BYTES} bytes`
          : undefined
  if (problem) {
    throw new UsageError(
      `The identifier ${JSON.stringify(name)} ${problem}. Give the name that the object has in PostgreSQL.`,
    )
  }
  return `"${name.replaceAll('"', '""')}"`
}

/** Quotes a string literal, whatever `standard_conforming_strings` is. */
export function quoteLiteral(value: string): string {
  const quoted = `'${value.replaceAll("'", "''")}'`
  return value.includes('\\') ? `E${quoted.replaceAll('\\', '\\\\')}` : quoted
}

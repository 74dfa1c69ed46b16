import fc from 'fast-check'

/** How many cases a long run has; unset: a quick one. */
const long = process.env.AUDITRUM_FUZZ_RUNS

// the same cases in each quick run: what is to be found is looked for in a long one
if (long === undefined) fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: 20_261_129 })

/**
 * How many cases of a property are tried: a few in every run of the tests, and
 * `AUDITRUM_FUZZ_RUNS` in a long one.
 *
 * @param cost of a case in which tables are made, say: as many of the others take its time.
 */
export function fuzzRuns(quick: number, cost = 1): number {
  return long === undefined ? quick : Math.ceil(Number(long) / cost)
}

/** The time that a property may take: as long as it likes, in a long run. */
export const fuzzTimeout = long === undefined ? 60_000 : 24 * 60 * 60_000

/** What PostgreSQL cuts names at, in bytes of UTF-8. */
const LONGEST_NAME = 63

/** What makes SQL, JSON, format(), regular expressions, templates and JavaScript go wrong. */
const pieces = [
  ...['"', "'", '\\', '.', ',', ';', ':', '%', '$', '&', '?', '`', '(', ')', '[', ']', '{', '}'],
  ...['""', "''", "E'", '$$', '$1', '$&', '%I', '%s', '%1$s', '%%', '::', '--', '/*', '*/'],
  ...['$function$', '$capture$', '$install$', ':schema', ":'schema'", ':version', '"auditrum"'],
  ...[' ', '\n', '\r', '\t', '\\n', '\\u0000', '\u00a0', '\u2028', '\u202e', '\u200d', '\ufeff'],
  ...['a', 'A', 'é', 'e\u0301', 'ß', 'İ', '中', '😀', '\uffff', '0', '-', '_', '=', '/', '@', '#'],
]
const words = [
  ...['select', 'table', 'user', 'order', 'null', 'default', 'OLD', 'NEW', 'old', 'new', 'TG_OP'],
  ...['before', 'after', 'unchanged', 'replaced', 'source', 'wanted', 'event_meta', 'name', 'key'],
  ...['id', 'value', 'row', 'log', 'event', 'context', 'moment', 'live', 'relation', 'declaration'],
  ...['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'length', 'toJSON', 'then'],
  ...['only', 'exclude', 'when', 'insert', 'true', '0', 'NaN', 'auditrum', 'orders', 'Orders'],
]

/** Any name that PostgreSQL can hold. */
export const anyName: fc.Arbitrary<string> = fc
  .oneof(
    fc.constantFrom(...words),
    fc.array(fc.constantFrom(...pieces), { minLength: 1, maxLength: 8 }).map((all) => all.join('')),
    fc
      .array(fc.constantFrom(...pieces, ...words), { minLength: 20, maxLength: 40 })
      .map((all) => all.join('')),
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }),
  )
  .map(shortened)
  .filter((name) => name !== '' && !name.includes('\0') && !/\p{Cs}/u.test(name))

/** What the schema of the log may be called. */
export const logName: fc.Arbitrary<string> = fc
  .string({ unit: fc.constantFrom(...'aZé中ßİ0९_- '), minLength: 1, maxLength: 21 })
  .filter((name) => !/^pg_/i.test(name))

function shortened(name: string): string {
  let result = ''
  for (const character of name) {
    if (Buffer.byteLength(result + character) > LONGEST_NAME) break
    result += character
  }
  return result
}

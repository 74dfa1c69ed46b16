import { parse } from 'lossless-json'
import pg from 'pg'

type TypeId = Parameters<typeof pg.types.getTypeParser>[0]

const { builtins } = pg.types
// pg-types has no names for arrays
const TEXT_ARRAY = 1009 as TypeId
const POINT = 600
const CIRCLE = 718
const text = (value: string) => value
const textArray = pg.types.getTypeParser(TEXT_ARRAY, 'text')

// What the driver would round to milliseconds, turn into a Buffer or into its own objects.
const asText: readonly number[] = [
  builtins.DATE,
  builtins.TIMESTAMP,
  builtins.BYTEA,
  builtins.INTERVAL,
  POINT,
  CIRCLE,
]
// Arrays of the same.
const arraysAsText: readonly number[] = [1182, 1115, 1001, 1187, 1017, 719]
const TIMESTAMPTZ_ARRAY = 1185

/** Values as a file or a program is to have them: exact, as text where JSON has no type for them. */
export const exactTypes: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') => {
    if (format === 'binary') return pg.types.getTypeParser(oid, 'binary')
    if (asText.includes(oid)) return text
    if (arraysAsText.includes(oid)) return textArray
    if (oid === builtins.TIMESTAMPTZ) return utc
    if (oid === TIMESTAMPTZ_ARRAY) return (value: string) => nested(textArray(value))
    if (oid === builtins.JSON || oid === builtins.JSONB) return (value: string) => parse(value)
    return pg.types.getTypeParser(oid, 'text')
  }) as pg.CustomTypesConfig['getTypeParser'],
}

/** A timestamptz as ISO 8601 in UTC with its microseconds; what is out of that range as it is. */
function utc(value: string): string {
  const [, day, time, fraction = '', zone] =
    value.match(/^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(\.\d+)?([+-]\d\d(?::\d\d)?)$/) ?? []
  if (zone === undefined) return value
  const seconds = new Date(`${day}T${time}${zone.length === 3 ? `${zone}:00` : zone}`)
  return `${seconds.toISOString().slice(0, 19)}${fraction}Z`
}

function nested(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(nested)
  return typeof value === 'string' ? utc(value) : value
}

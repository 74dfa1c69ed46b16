import { SchemaError, sqlStateOf, UsageError } from '../errors.js'
import { checkOptions } from '../options.js'
import { type Queryable, rowsOf } from '../queryable.js'
import { quoteIdentifier } from '../sql/quote.js'

/**
 * How long partitions are, and how many are made ahead: give one of the three, or none for what was given
 * last time (at first 3 months). It is remembered, for `maintain`.
 */
export interface PartitionOptions {
  /** By month: how many after this one, 1 to 120. */
  readonly months?: number | undefined
  /** By ISO week: how many after this one, 1 to 520. */
  readonly weeks?: number | undefined
  /** By day: how many after this one, 1 to 400. */
  readonly days?: number | undefined
}

const units = { months: 'month', weeks: 'week', days: 'day' } as const

/**
 * Makes the partitions of this month, week or day and so many after it. An overflow that holds rows is
 * closed first, in as many transactions as that takes.
 */
export async function createPartitions(
  queryable: Queryable,
  schema: string,
  options: PartitionOptions,
  lockTimeout: number,
): Promise<readonly string[]> {
  const { ahead, unit } = checkPlan(options)
  const log = quoteIdentifier(schema)
  const patience = `${lockTimeout} milliseconds`
  try {
    for (let step: string | null | undefined = ''; step != null; ) {
      const text = `SELECT ${log}.close_overflow($1::interval) AS step`
      const [row] = await rowsOf<{ step: string | null }>(queryable, text, [patience])
      step = row?.step
    }
    const rows = await rowsOf<{ name: string }>(
      queryable,
      `SELECT name FROM ${log}.create_partitions($1::integer, $2, $3::interval) AS name`,
      [ahead, unit, patience],
    )
    return rows.map(({ name }) => name)
  } catch (error) {
    throw lockedOut(error)
  }
}

function checkPlan(options: PartitionOptions) {
  checkOptions('createPartitions', options, Object.keys(units))
  const given = (Object.keys(units) as (keyof typeof units)[]).filter(
    (name) => options[name] !== undefined,
  )
  if (given.length > 1) {
    throw new UsageError(
      `createPartitions was given both ${given.join(' and ')}. Give one: partitions are of one length.`,
    )
  }
  const [name] = given
  if (name === undefined) return { ahead: null, unit: null }
  const ahead = options[name]
  if (ahead === undefined || !Number.isSafeInteger(ahead) || ahead < 1) {
    throw new UsageError(
      `Partitions cannot be made ${ahead} ${name} ahead. Give a whole number, from 1 on: with none ahead, what is written before the next maintain() goes to the overflow.`,
    )
  }
  return { ahead, unit: units[name] }
}

/** A lock that could not be had, as an error of this project. */
export function lockedOut(error: unknown): unknown {
  if (sqlStateOf(error) !== '55P03') return error
  const { message = '', hint } = error as { readonly message?: string; readonly hint?: string }
  return new SchemaError(
    `${message.replace(/\.?$/, '.')} ${hint ?? 'Nothing was changed: run it again when whoever holds the lock has ended.'}`,
    { cause: error },
  )
}

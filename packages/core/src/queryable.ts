import { fromDatabase, UsageError } from './errors.js'

/**
 * All that core needs of a driver: run one SQL text, give back its rows as objects. A `pg.Pool` or
 * `pg.Client` is one as it stands; anything else needs an object of a few lines.
 *
 * @example
 * ```ts
 * const queryable: Queryable = {
 *   query: async (text, values) => ({ rows: await driver.run(text, values) }),
 * }
 * ```
 */
export interface Queryable {
  /**
   * @param text SQL with `$1` … for the values. Without values it may hold several statements, which
   *   PostgreSQL then runs in one transaction (the simple query protocol).
   * @param values Strings, numbers and null.
   */
  query(text: string, values?: unknown[]): Promise<{ rows: unknown[] }>
  /**
   * Where the driver has it: the rows of one statement one by one, as from a cursor. Without it, and
   * where it gives undefined, what is large is read page by page.
   */
  stream?(text: string, values?: unknown[]): AsyncIterable<unknown> | undefined
}

/**
 * Refuses what cannot run SQL. The value is not repeated: a connection string holds a password.
 *
 * @param what Where it stood, as the beginning of a sentence.
 */
export function checkQueryable(value: unknown, what: string): asserts value is Queryable {
  const query =
    (typeof value === 'object' && value !== null) || typeof value === 'function'
      ? (value as { readonly query?: unknown }).query
      : undefined
  if (typeof query === 'function') return
  const given =
    typeof value === 'string'
      ? 'a string'
      : value == null
        ? String(value)
        : `a value of type ${typeof value} without the method query`
  throw new UsageError(
    `${what} is ${given}, not a Queryable. Give a pg.Pool, a pg.Client, or any object with a method query(text, values) that resolves to { rows }.`,
  )
}

/** Runs a statement; an error of the database comes as one of this project's where it is one. */
export async function rowsOf<Row>(
  queryable: Queryable,
  text: string,
  values?: unknown[],
): Promise<readonly Row[]> {
  let result: { readonly rows?: unknown } | undefined
  try {
    result = await queryable.query(text, values)
  } catch (error) {
    throw fromDatabase(error)
  }
  // several statements at once, which have no values, may come back as several results
  if (values !== undefined && !Array.isArray(result?.rows)) {
    throw new UsageError(
      'The method query of this Queryable did not resolve to { rows }. Wrap the driver so that it gives an object with the rows, as objects, in rows.',
    )
  }
  return (result?.rows ?? []) as readonly Row[]
}

/** The rows of a statement one by one; undefined where the driver has no way to. */
export function streamOf<Row>(
  queryable: Queryable,
  text: string,
  values: unknown[],
): AsyncIterable<Row> | undefined {
  const rows = queryable.stream?.(text, values)
  return rows && withOwnErrors(rows as AsyncIterable<Row>)
}

async function* withOwnErrors<Row>(rows: AsyncIterable<Row>): AsyncGenerator<Row, void, undefined> {
  try {
    yield* rows
  } catch (error) {
    throw fromDatabase(error)
  }
}

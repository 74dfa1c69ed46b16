import { fromDatabase } from './errors.js'

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
}

/** Runs a statement; an error of the database comes as one of this project's where it is one. */
export async function rowsOf<Row>(
  queryable: Queryable,
  text: string,
  values?: unknown[],
): Promise<readonly Row[]> {
  try {
    const { rows } = await queryable.query(text, values)
    return rows as readonly Row[]
  } catch (error) {
    throw fromDatabase(error)
  }
}

/**
 * All that core needs of a driver: run one SQL text, give back its rows as objects. A `pg.Pool` or
 * `pg.Client` is one as it stands; anything else needs an object of four lines.
 *
 * @example
 * ```ts
 * const queryable: Queryable = {
 *   query: async (text, values) => ({ rows: await sql.unsafe(text, values) }),
 * }
 * ```
 */
export interface Queryable {
  /**
   * @param text SQL with `$1` … for the values. Without values it may hold several statements, which
   *   PostgreSQL then runs in one transaction (the simple query protocol).
   * @param values JavaScript strings, numbers, booleans, null, and arrays of strings.
   */
  query(text: string, values?: unknown[]): Promise<{ rows: unknown[] }>
}

/** How many cases a long run has; unset: a quick one. */
const long = process.env.AUDITRUM_FUZZ_RUNS

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

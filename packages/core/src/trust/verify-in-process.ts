import { type Queryable, rowsOf } from '../queryable.js'
import { render } from '../sql/template.js'
import { verifyRecords } from './act-records.js'
import type { Chain } from './chain-links.js'
import { eventsIn, judged } from './judge-events.js'
import { misplacedRows } from './misplaced-rows.js'
import { RoundsBefore } from './rounds-before.js'
import { verifyBlocks } from './verify-blocks.js'
import { ofLog, type Verifier } from './verify-parts.js'

/** How often something is looked at anew while the chain grows. */
const TRIES = 3

/**
 * By what is stored alone: every hash is computed here, by no function of the log's schema.
 *
 * @param read reads the chain anew: what is verified one statement after the other may have been purged or
 *   erased in between.
 */
export function verifierInProcess(
  queryable: Queryable,
  schema: string,
  chain: Chain,
  read: () => Promise<Chain>,
): Verifier {
  let known = chain
  const rounds = new RoundsBefore(queryable, schema)
  const certainly = async <T>(
    verify: (chain: Chain) => Promise<T>,
    isFine: (found: T) => boolean,
  ): Promise<T> => {
    for (let left = TRIES; ; left -= 1) {
      const before = known
      const found = await verify(before)
      if (left === 0 || isFine(found)) return found
      // another part may have read it meanwhile
      if (known === before) known = await read()
      if (known.entries === before.entries) return found
    }
  }
  return {
    async tables() {
      const rows = await rowsOf<{ id: string }>(queryable, render('read/known_tables', schema), [])
      const ids = new Set(rows.map(({ id }) => id))
      return [...known.tables]
        .filter(([id]) => !ids.has(id))
        .map(([id, name]) =>
          ofLog(
            `The table ${name} (${id}) has sealed events, and is in audit_table no more: the log shows nothing of it.`,
          ),
        )
    },
    misplaced: () => misplacedRows(queryable, schema),
    records: () => verifyRecords(queryable, schema, known.acts, async () => (await read()).acts),
    blocks: (first, last) =>
      certainly(
        (chain) => verifyBlocks(queryable, schema, chain, first, last),
        (found) => found.length === 0,
      ),
    events: (after, until) =>
      certainly(
        async (chain) => {
          const found = await eventsIn(queryable, schema, chain, after, until)
          const part = await judged(found, chain, rounds)
          if (part.problems.length === 0) return part
          // what was erased or purged before they were read is told by now, and what was since is not in them
          const doubted = new Set(part.problems.map(({ event }) => event))
          const rest = await judged(found, chain, rounds, (id) => !doubted.has(id))
          const now = await read()
          if (now.entries === chain.entries) return part
          if (known === chain) known = now
          const again = await judged(found, now, rounds, (id) => doubted.has(id))
          return {
            verified: rest.verified + again.verified,
            redacted: rest.redacted + again.redacted,
            pending: rest.pending + again.pending,
            problems: again.problems,
          }
        },
        ({ problems }) => problems.length === 0,
      ),
  }
}

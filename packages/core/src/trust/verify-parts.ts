import { type Queryable, rowsOf } from '../queryable.js'
import { quoteIdentifier } from '../sql/quote.js'
import type { ChainProblem } from './verify-chain.js'

/** What is wrong, without the words. */
export interface Finding extends Omit<ChainProblem, 'message'> {
  /** The entry of the chain that amended the event, if one did. */
  readonly entry: number | null
}

/** Of events with some ids: how many are what was sealed, and what is not. */
export interface EventsPart {
  readonly verified: number
  readonly redacted: number
  readonly pending: number
  readonly problems: readonly Finding[]
}

/** Verifies a part of the log at a time. */
export interface Verifier {
  /** Whether the log still knows all tables of which blocks hold events. */
  tables(): Promise<readonly ChainProblem[]>
  /** Whether it has rows that no statement finds where it looks for them. */
  misplaced(): Promise<readonly ChainProblem[]>
  /** Whether what is on record of erasures and purges is what the chain says of them. */
  records(): Promise<readonly ChainProblem[]>
  /** Whether the leaves of these blocks lead to their roots. */
  blocks(first: bigint, last: bigint): Promise<readonly Finding[]>
  /** Whether events with an id behind `after`, up to `until`, are what the leaves say. */
  events(after: bigint, until: bigint): Promise<EventsPart>
}

/** By the functions of the log, where the events are. */
export function verifierInDatabase(queryable: Queryable, schema: string): Verifier {
  const log = quoteIdentifier(schema)
  const ask = async <T>(call: string, from: bigint, to: bigint): Promise<T> => {
    const text = `SELECT ${log}.${call}($1::bigint, $2::bigint)::text AS answer`
    const [row] = await rowsOf<{ answer: string }>(queryable, text, [String(from), String(to)])
    return JSON.parse(row?.answer ?? '{}') as T
  }
  const problemsOf = async (name: string): Promise<readonly ChainProblem[]> => {
    const text = `SELECT ${log}.${name}()::text AS answer`
    const [row] = await rowsOf<{ answer: string }>(queryable, text, [])
    const problems: readonly ChainProblem[] = JSON.parse(row?.answer ?? '[]')
    return problems.map(({ kind, event, block, message }) => ({ kind, event, block, message }))
  }
  return {
    misplaced: () => problemsOf('misplaced_rows'),
    tables: () => problemsOf('verify_tables'),
    records: () => problemsOf('verify_records'),
    blocks: (first, last) => ask('verify_blocks', first, last),
    async events(after, until) {
      const found = await ask<EventsPart>('verify_events', after, until)
      // what was purged in that moment is told by now
      return found.problems.length === 0 ? found : ask('verify_events', after, until)
    },
  }
}

/** Of the log as a whole. */
export function ofLog(message: string): ChainProblem {
  return { kind: 'rewritten', event: null, block: null, message }
}

/**
 * In words.
 *
 * @param leavesAreGone of some block: its events seem to be in none.
 */
export function described(
  { kind, event, block, entry }: Finding,
  leavesAreGone = false,
): ChainProblem {
  const what = `Event ${event}, of block ${block},`
  const message =
    event === null
      ? {
          rewritten: `The leaves of block ${block} do not lead to its root.`,
          missing: `The leaves of block ${block} are gone, and not all of its events were retired.`,
          added: `There are leaves of a block ${block}, which the chain does not know.`,
        }[kind as 'rewritten' | 'missing' | 'added']
      : {
          edited: `${what} or its context is not what was ${entry === null ? 'sealed' : `left by the erasure of entry ${entry}`}.`,
          missing: `${what} is gone.`,
          added:
            block !== null
              ? `${what} was put there afterwards: it is there a second time, or its transaction was over and sealed before.`
              : leavesAreGone
                ? `Event ${event} is in no block of which the leaves are there, and those of others are gone.`
                : `Event ${event} is not sealed, though what its transaction wrote is: it was put there afterwards.`,
          moved: `Event ${event} is sealed in another place than the one where it is.`,
          retired: `${what} was retired by entry ${entry}, and is there.`,
          redacted: `${what} is redacted, and the chain does not say so.`,
        }[kind as Exclude<ChainProblem['kind'], 'rewritten' | 'truncated'>]
  return { kind, event, block, message }
}

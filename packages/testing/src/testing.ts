import { AssertionError } from 'node:assert'
import { inspect } from 'node:util'
import type { AuditEvent, Auditrum, RowId, TableName } from '@auditrum/core'
import { checkOptions } from '@auditrum/core/adapter'
import { described, type ExpectedEvent, expectations, matches, partOf } from './matching.js'

/** What {@link testing} gives; its functions need no `this`. */
export interface AuditTesting {
  /**
   * Asserts that a row has an event like this one. Under vitest, Jest and node:test a failure shows
   * what the newest event holds in its place.
   *
   * @returns the newest such event.
   * @throws AssertionError where there is none.
   * @example
   * ```ts
   * await expectAudited('orders', 42, { userId: 7, diff: { status: { new: 'paid' } } })
   * ```
   */
  expectAudited(table: string | TableName, id: RowId, expected?: ExpectedEvent): Promise<AuditEvent>
  /**
   * Runs a function, and returns the events that were written meanwhile, oldest first: by whomever,
   * so that a request through HTTP counts, and so does another test in the same database.
   */
  written(act: () => unknown): Promise<readonly AuditEvent[]>
  /**
   * Stops recording in this database, for every connection. Its owner must have allowed it once, by
   * `audit.allowPausing()`.
   */
  off(): Promise<void>
  /** Records again. */
  on(): Promise<void>
}

/**
 * Assertions on an audit trail, for the tests of the application that it records. They read the log,
 * as an auditor would.
 *
 * @param audit that of the application; in a test that is rolled back, `audit.on(trx)`.
 * @example
 * ```ts
 * const { expectAudited, written } = testing(audit)
 * ```
 */
export function testing(audit: Auditrum): AuditTesting {
  return {
    async expectAudited(table, id, expected = {}) {
      checkOptions('expectAudited', expected, expectations)
      const { events } = await audit.page({ table, id, limit: 1_000 })
      const found = events.find((event) => matches(described(event), expected))
      if (found) return found
      const name = typeof table === 'string' ? table : table.table
      throw new AssertionError({
        message: complaint(`${name} ${JSON.stringify(id, bigints)}`, events, expected),
        actual: events[0] && partOf(described(events[0]), expected),
        expected,
        operator: 'deepStrictEqual',
      })
    },
    async written(act) {
      const last = (await audit.page({ limit: 1 })).events[0]?.id ?? '0'
      await act()
      const events: AuditEvent[] = []
      for await (const event of audit.history({ after: last, order: 'asc' })) events.push(event)
      return events
    },
    off: () => audit.pause(),
    on: () => audit.resume(),
  }
}

function complaint(row: string, events: readonly AuditEvent[], expected: ExpectedEvent): string {
  const wanted = inspect(expected, { breakLength: Number.POSITIVE_INFINITY })
  if (events.length === 0) {
    return `${row} has no event, and should have one with ${wanted}. Is the table tracked, and was the write committed?`
  }
  const lines = events
    .slice(0, 5)
    .map(({ operation, userId, diff }) => `  ${operation} by ${userId}: ${JSON.stringify(diff)}`)
  return `${row} has no event with ${wanted}. Its newest are:\n${lines.join('\n')}`
}

function bigints(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value
}

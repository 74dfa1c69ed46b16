import { sqlStateOf, UsageError } from '../errors.js'
import { type Queryable, rowsOf } from '../queryable.js'
import { render } from '../sql/template.js'
import { type AuditEvent, type EventRow, type Row, toEvent } from './event.js'
import { checkLimit, type EventFilter, filterValues } from './filter.js'
import { withLabels } from './label.js'

/** Some events, and where the next ones begin. */
export interface Page<R extends object = Row> {
  readonly events: readonly AuditEvent<R>[]
  /** `after` of the next page; null behind the last. */
  readonly next: string | null
}

const PAGE_SIZE = 100

/** One page of events, newest first. */
export async function page<R extends object = Row>(
  queryable: Queryable,
  schema: string,
  filter: EventFilter = {},
): Promise<Page<R>> {
  const limit = filter?.limit === undefined ? PAGE_SIZE : checkLimit(filter.limit)
  // one more than asked for: whether there is a next page
  const values = filterValues(filter, limit + 1)
  const rows = await rowsOf<EventRow>(queryable, render('read/events', schema), values).catch(
    (error: unknown) => {
      throw refusedTime(filter, error)
    },
  )
  const plain = rows.slice(0, limit).map((row) => toEvent<R>(row))
  const events = filter.labels ? await withLabels(queryable, schema, plain) : plain
  return { events, next: rows.length > limit ? (events.at(-1)?.id ?? null) : null }
}

/**
 * All events that match, newest first, read page by page: what is committed meanwhile neither repeats
 * an event nor leaves one out that was committed before the first page. Whether an event is given that
 * is committed later depends on where its id lies: ids are given out before the commit.
 */
export async function* history<R extends object = Row>(
  queryable: Queryable,
  schema: string,
  filter: EventFilter = {},
): AsyncGenerator<AuditEvent<R>, void, undefined> {
  let left = filter.limit === undefined ? Number.POSITIVE_INFINITY : checkLimit(filter.limit)
  let after = filter.after
  while (left > 0) {
    const limit = Math.min(left, PAGE_SIZE)
    const { events, next } = await page<R>(queryable, schema, { ...filter, after, limit })
    yield* events
    if (next === null) return
    left -= events.length
    after = next
  }
}

/** invalid_datetime_format, datetime_field_overflow: a time that only the database can refuse. */
function refusedTime({ since, until }: EventFilter, error: unknown): unknown {
  if (!/^2200[78]$/.test(sqlStateOf(error) ?? '')) return error
  return new UsageError(
    `The times ${JSON.stringify({ since, until })} are not all in the calendar. Give ISO 8601 such as 2026-11-01T12:00:00.123456Z.`,
    { cause: error },
  )
}

import type pg from 'pg'
import { expect } from 'vitest'
import { withContext } from '../../src/index.js'
import { expectClean, type Shop } from '../support.js'

const CALLERS = 200

/** Runs an act, and whatever it starts when it is awaited, as a user. */
export function as<Result>(user: string, act: () => PromiseLike<Result>): Promise<Result> {
  return withContext({ user_id: user }, async () => await act())
}

/**
 * Many callers at once, each a user of its own, who writes rows whose note is the user: every event
 * must have the user of its row, and no one's may be missing.
 */
export async function everyCallerIsItself(
  it: Shop,
  eventsOfEach: number,
  write: (user: string) => PromiseLike<unknown>,
): Promise<void> {
  const users = Array.from({ length: CALLERS }, (_, n) => `caller ${n}`)
  const { rows: before } = await it.database.query<{ id: string }>(
    'select coalesce(max(id), 0)::text as id from auditrum.auditlog',
  )
  await Promise.all(
    users.map((user) =>
      as(user, async () => {
        await new Promise((resolve) => setImmediate(resolve))
        await write(user)
      }),
    ),
  )
  const { rows } = await it.database.query(
    `select count(*)::int as events, count(distinct user_id)::int as users,
       count(*) filter (where user_id is distinct from new_data ->> 'note')::int as wrong
     from auditrum.auditlog as log where log.id > $1`,
    [before[0]?.id],
  )
  expect(rows).toEqual([{ events: CALLERS * eventsOfEach, users: CALLERS, wrong: 0 }])
  await it.users()
}

/** Nothing of ours is left on any connection of a pool. */
export async function expectCleanPool(pool: pg.Pool): Promise<void> {
  const clients = await Promise.all(
    Array.from({ length: pool.options.max ?? 10 }, () => pool.connect()),
  )
  for (const client of clients) {
    await expectClean(client)
    client.release()
  }
}

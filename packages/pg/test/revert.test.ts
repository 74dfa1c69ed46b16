import { withChangeReason, withContext } from '@auditrum/core'
import { expect, test } from 'vitest'
import { shop } from './support.js'

const { audit, database, pool } = await shop()

/** The context of the last event. */
async function lastContext() {
  const { events } = await audit.page({ limit: 1 })
  return { ...events[0]?.context?.metadata, error: events[0]?.context?.error }
}

async function lastEvent() {
  const { events } = await audit.page({ limit: 1 })
  return String(events[0]?.id)
}

test('the undo carries the context of who asks for it, and its own reason inside', async () => {
  await pool.query(`insert into orders (note) values ('a')`)
  const event = await lastEvent()
  await withContext({ user_id: 7 }, () =>
    withChangeReason('Ticket 881', () => audit.revert({ event })),
  )
  expect(await lastContext()).toEqual({
    user_id: 7,
    change_reason: `Ticket 881 -> revert of event ${event}`,
    error: null,
  })
  // of the same root as the rest of the block
  const { events } = await audit.page({ limit: 1 })
  const undone = await lastEvent()
  await withContext({ user_id: 8 }, async () => {
    await audit.revert({ event: undone })
    await pool.query(`insert into orders (note) values ('b')`)
  })
  const [after, redo] = (await audit.page({ limit: 2 })).events
  expect(after?.context?.rootId).toBe(redo?.context?.rootId)
  expect(after?.changeReason).toBeNull()
  expect(redo?.changeReason).toBe(`revert of event ${events[0]?.id}`)
})

test('in a transaction of the caller', async () => {
  await pool.query(`insert into orders (note) values ('c')`)
  const event = await lastEvent()
  const client = await pool.connect()
  await withContext({ user_id: 7 }, async () => {
    await client.query('begin')
    await client.query(`insert into orders (note) values ('d')`)
    await audit.on(client).revert({ event })
    await client.query(`insert into orders (note) values ('e')`)
    await client.query('commit')
  })
  client.release()
  const { events } = await audit.page({ limit: 3 })
  expect(events.map(({ changeReason, userId }) => [changeReason, userId])).toEqual([
    [null, '7'],
    [`revert of event ${event}`, '7'],
    [null, '7'],
  ])
})

test('signed contexts have the reason, too', async () => {
  const key = 'k'.repeat(32)
  const { audit: signing, pool: signed } = await shop({}, { signing: { key } })
  await signing.signContexts(key)
  await signed.query(`insert into orders (note) values ('a')`)
  const { events } = await signing.page({ limit: 1 })
  await withContext({ user_id: 7 }, () => signing.revert({ event: String(events[0]?.id) }))
  const [undo] = (await signing.page({ limit: 1 })).events
  expect(undo).toMatchObject({
    operation: 'delete',
    userId: '7',
    changeReason: `revert of event ${events[0]?.id}`,
    context: { error: null },
  })
})

test('what is refused leaves nothing behind', async () => {
  await pool.query(`insert into orders (note) values ('f')`)
  const event = await lastEvent()
  await pool.query(`update orders set note = 'g' where note = 'f'`)
  const last = await lastEvent()
  await expect(audit.revert({ event })).rejects.toMatchObject({ code: 'AUDITRUM_CONFLICT' })
  expect(await lastEvent()).toBe(last)
  const { rows } = await database.query(`select note from orders where note = 'g'`)
  expect(rows).toHaveLength(1)
})

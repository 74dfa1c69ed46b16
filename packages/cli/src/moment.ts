import { type Moment, UsageError } from '@auditrum/core'
import type pg from 'pg'
import type { Terminal } from './terminal.js'

/** By how much two clocks may disagree, in milliseconds. */
const AHEAD = 60_000
const ISO = `'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'`
const POINT = `SELECT to_char($1::timestamptz AT TIME ZONE 'UTC', ${ISO}) AS moment`
const AGO = `SELECT to_char((now() - $1::interval) AT TIME ZONE 'UTC', ${ISO}) AS moment`

/**
 * A time as people write it: all that PostgreSQL reads (`2026-11-01 12:00+01`, `yesterday`), in UTC
 * where it names no zone, or how long ago it is (`2 hours`, `3 days ago`).
 *
 * @returns ISO 8601 with microseconds.
 * @throws UsageError where PostgreSQL reads neither.
 */
export async function timeOf(pool: pg.Pool, text: string): Promise<string> {
  const client = await pool.connect()
  try {
    await client.query("BEGIN READ ONLY; SET LOCAL TimeZone = 'UTC'; SAVEPOINT reading")
    for (const [statement, value] of [
      [POINT, text],
      [AGO, text.replace(/\s+ago\s*$/i, '')],
    ] as const) {
      try {
        const { rows } = await client.query(statement, [value])
        if (typeof rows[0]?.moment === 'string') return rows[0].moment
      } catch (error) {
        // data exceptions: not in this form
        if (!/^22/.test(String((error as { code?: unknown }).code))) throw error
        await client.query('ROLLBACK TO reading')
      }
    }
  } finally {
    await client.query('ROLLBACK').then(
      () => client.release(),
      () => client.release(true),
    )
  }
  throw new UsageError(
    `${JSON.stringify(text)} is no time. Give one such as '2026-11-01 12:00+01', yesterday or '2 hours ago'.`,
  )
}

/** The same, or right after an event or a transaction: `event:4711`, `transaction:4711`. */
export async function momentOf(pool: pg.Pool, terminal: Terminal, text: string): Promise<Moment> {
  const [, kind, id] = text.match(/^(event|transaction):(.*)$/) ?? []
  if (kind === undefined || id === undefined) {
    const time = await timeOf(pool, text)
    terminal.detail(`${text} is ${time}`)
    if (Date.parse(time) > Date.now() + AHEAD) terminal.note(`${text} is to come: this is now.`)
    return time
  }
  if (!/^\d{1,19}$/.test(id)) {
    throw new UsageError(
      `${JSON.stringify(text)} is no moment. Give an id as history prints it: ${kind}:4711.`,
    )
  }
  return kind === 'event' ? { event: id } : { transaction: id }
}

import { constants } from 'node:os'
import type pg from 'pg'
import { type Address, connect } from './database.js'

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/**
 * Does something, and when told to stop, stops what the server is doing for it, too: an undo that waits
 * for a lock would else be done when nobody expects it any more.
 */
export async function interruptibly<T>(
  address: Address,
  pool: pg.Pool,
  work: () => Promise<T>,
): Promise<T> {
  const clients = new Set<pg.PoolClient>()
  let isStopping = false
  const stop = async (signal: NodeJS.Signals) => {
    isStopping = true
    process.stderr.write('auditrum: Interrupted: what was under way is cancelled.\n')
    try {
      const other = await connect(address, { max: 1 })
      const processes = [...clients].map((client) => (client as { processID?: number }).processID)
      await other.query('SELECT pg_cancel_backend(id) FROM unnest($1::integer[]) AS id', [
        processes,
      ])
    } finally {
      process.exit(128 + constants.signals[signal])
    }
  }
  pool.on('connect', (client) => clients.add(client))
  const first = await pool.connect()
  clients.add(first)
  first.release()
  for (const signal of signals) process.once(signal, stop)
  try {
    return await work()
  } catch (error) {
    // that it was cancelled is said already, and the process is about to end
    if (isStopping) await new Promise(() => {})
    throw error
  } finally {
    for (const signal of signals) process.removeListener(signal, stop)
  }
}

import type { Queryable } from '@auditrum/core'
import type pg from 'pg'
import { borrowedRows, rowsInTransaction } from './cursor.js'
import { isPool } from './driver.js'

/** Where the SQL of an audit goes: its pool or client, which also read rows one by one. */
export function queryableOf(target: pg.Pool | pg.ClientBase): Queryable {
  const query: Queryable['query'] = (text, values) => target.query(text, values)
  if (!isPool(target)) {
    return { query, stream: (text, values) => rowsInTransaction(target, text, values) }
  }
  const lender = {
    pool: target,
    get most() {
      return target.options.max
    },
    async acquire() {
      const client = await target.connect()
      // of a connection that breaks between two rows, the next FETCH tells
      client.on('error', ignore)
      return client
    },
    release(client: pg.PoolClient, broken?: Error) {
      client.off('error', ignore)
      client.release(broken)
    },
  }
  return { query, stream: (text, values) => borrowedRows(lender, text, values) }
}

function ignore(): void {}

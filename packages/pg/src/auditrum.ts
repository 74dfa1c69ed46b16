import { type Auditrum, type Queryable, UsageError } from '@auditrum/core'
import type pg from 'pg'
import { CarryingAuditrum, type CarryingOptions, oncePerTarget } from './carrying.js'
import { wrapClient } from './client.js'
import { type Client, isPool } from './driver.js'
import { wrapPool } from './pool.js'
import { queryableOf } from './queryable.js'

/** What {@link auditrum} may be told. */
export interface PgOptions extends CarryingOptions {}

const auditOf = oncePerTarget<pg.Pool | pg.ClientBase, PgAuditrum>(
  'pool',
  (target, options) => new PgAuditrum(target, options),
)

/**
 * The audit of a database over node-postgres: from now on every write of this pool or client carries
 * the context of the code that asks for it, at no extra round trip. Called again with the same pool
 * it returns the same audit, and declares what `tables` adds.
 *
 * @throws UsageError for a client of pg-native, and for other options when the pool has its audit.
 * @example
 * ```ts
 * const audit = auditrum(pool, { tables: [track('orders')] })
 * await audit.sync()
 * await withContext({ user_id: 7 }, () => pool.query('delete from orders where id = $1', [42]))
 * ```
 */
export function auditrum(target: pg.Pool | pg.ClientBase, options: PgOptions = {}): PgAuditrum {
  return auditOf(target, options)
}

/** {@link Auditrum} over node-postgres; {@link auditrum} makes it. */
export class PgAuditrum extends CarryingAuditrum {
  constructor(target: pg.Pool | pg.ClientBase, options: PgOptions = {}) {
    if (typeof (target as { query?: unknown } | null | undefined)?.query !== 'function') {
      // the value is not shown: a connection string holds a password
      const given = target === null ? 'null' : `a value of type ${typeof target}`
      throw new UsageError(
        `auditrum was given ${given}, not a pool or client of pg. Give a pg.Pool or a pg.Client.`,
      )
    }
    super(queryableOf(target), readingFrom(options), (carrying) =>
      isPool(target)
        ? wrapPool(target, carrying)
        : wrapClient(target as unknown as Client, carrying),
    )
  }

  /** The same audit on another connection: on the client of a transaction of the caller's, say. */
  override on(target: pg.Pool | pg.ClientBase | Queryable): Auditrum {
    return super.on(readable(target))
  }
}

function readingFrom(options: PgOptions): PgOptions {
  const reader = options?.reader
  // all else is for core to refuse, in its words
  return reader ? { ...options, reader: readable(reader) } : options
}

/** A pool or client of pg with a stream; anything else as it is. */
function readable(target: pg.Pool | pg.ClientBase | Queryable): Queryable {
  const isOfPg =
    typeof target === 'object' &&
    target !== null &&
    ('totalCount' in target || 'connection' in target)
  return isOfPg && !('stream' in target) ? queryableOf(target as pg.Pool | pg.ClientBase) : target
}

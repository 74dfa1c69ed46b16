import type { Auditrum, Queryable, SyncResult } from '@auditrum/core'
import { CarryingAuditrum, type CarryingOptions, oncePerTarget } from '@auditrum/pg/adapter'
import type { Knex } from 'knex'
import { queryableOf, wrapConnections } from './connections.js'
import { type EventQuery, eventsOf } from './events.js'

/** What {@link auditrum} may be told. */
export interface KnexAuditOptions extends CarryingOptions {}

const auditOf = oncePerTarget<Knex, KnexAuditrum>(
  'Knex',
  (knex, options) => new KnexAuditrum(knex, options),
)

/**
 * The audit of a database over Knex: from now on every write of this Knex, its transactions included,
 * carries the context of the code that asks for it. Called again with the same Knex it returns the
 * same audit, and declares what `tables` adds.
 *
 * @throws UsageError for what is no Knex on PostgreSQL, and for other options when it has its audit.
 * @example
 * ```ts
 * const audit = auditrum(knex, { tables: [track('orders')] })
 * await audit.sync()
 * await withContext({ user_id: 7 }, () => knex('orders').where({ id: 42 }).del())
 * ```
 */
export function auditrum(knex: Knex, options: KnexAuditOptions = {}): KnexAuditrum {
  return auditOf(knex, options)
}

/** An audit in a transaction of Knex's. */
export type KnexTransactionAudit = Auditrum & Pick<KnexAuditrum, 'events'>

/** {@link Auditrum} over Knex; {@link auditrum} makes it. */
export class KnexAuditrum extends CarryingAuditrum {
  readonly #knex: Knex

  constructor(knex: Knex, options: KnexAuditOptions = {}) {
    super(queryableOf(knex), options, (carrying) => wrapConnections(knex, carrying))
    this.#knex = knex
  }

  /**
   * The log as a query of Knex's own.
   *
   * @example
   * ```ts
   * await audit.events().forTable('orders').forId(42).orderBy('auditlog.id', 'desc').limit(20)
   * ```
   */
  events(): EventQuery {
    return eventsOf(this.#knex, this.schema)
  }

  /**
   * The same audit inside a transaction, or on another Knex: what the transaction has written so far
   * can be read.
   */
  override on(knex: Knex): KnexTransactionAudit
  override on(queryable: Queryable): Auditrum
  override on(target: Knex | Queryable): Auditrum {
    if (!isKnex(target)) return super.on(target)
    const { schema } = this
    return Object.assign(super.on(queryableOf(target)), { events: () => eventsOf(target, schema) })
  }

  /** {@link sync} inside a migration: on the Knex that it is given, in its transaction. */
  async install(knex: Knex): Promise<SyncResult> {
    return this.on(knex).sync()
  }
}

function isKnex(target: Knex | Queryable): target is Knex {
  return typeof target === 'function' && 'client' in target
}

import type { Queryable } from '@auditrum/pg'
import { CarryingAuditrum, type CarryingOptions, wrapPool } from '@auditrum/pg/adapter'
import { CompiledQuery, type Kysely, type SelectQueryBuilder, sql } from 'kysely'
import type pg from 'pg'

/** What is used here of the columns of the view auditlog. */
interface AuditLog {
  readonly id: string
  readonly operation: string
  readonly object_id: string | null
  readonly user_id: string | null
  readonly diff: unknown
}

type Log = { auditlog: AuditLog }

/** The audit of a Kysely, over the pool that its dialect was given. */
export class KyselyAuditrum<DB> extends CarryingAuditrum {
  readonly #db: Kysely<DB>

  constructor(db: Kysely<DB>, pool: pg.Pool, options: CarryingOptions = {}) {
    // where its own SQL goes, and how connections come to carry the context
    super(queryableOf(db), options, (carrying) => wrapPool(pool, carrying))
    this.#db = db
  }

  /** In a transaction of Kysely's. */
  override on(target: Kysely<DB> | Queryable) {
    return super.on('executeQuery' in target ? queryableOf(target) : target)
  }

  /** The events of a row, as a query of Kysely's own. */
  events(table: string, id: string | number): SelectQueryBuilder<Log, 'auditlog', AuditLog> {
    const history = sql<AuditLog>`${sql.id(this.schema, 'history')}(${table}, ${String(id)})`
    const log = this.#db as unknown as Kysely<Log>
    return log.selectFrom(history.as<'auditlog'>(sql.id('auditlog'))).selectAll() as never
  }
}

function queryableOf<DB>(db: Kysely<DB>): Queryable {
  return {
    async query(text, values = []) {
      const { rows } = await db.executeQuery(CompiledQuery.raw(text, values))
      return { rows }
    },
  }
}

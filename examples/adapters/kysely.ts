import {
  CarryingAuditrum,
  type CarryingOptions,
  isPool,
  oncePerTarget,
  type Queryable,
  wrapPool,
} from '@auditrum/pg'
import { CompiledQuery, type Kysely, sql, type Transaction } from 'kysely'
import type pg from 'pg'

interface Options extends CarryingOptions {
  /** The pool that the dialect was given. */
  readonly pool: pg.Pool
}

/** The columns of the view auditlog that this adapter needs. */
interface Log {
  auditlog: { id: string; operation: string; object_id: string | null; user_id: string | null }
}

/** An audit of a Kysely: called again with the same one, it returns the same. */
export const auditrum = oncePerTarget<Kysely<never>, Options, KyselyAuditrum>(
  'Kysely',
  (db, options) => new KyselyAuditrum(db, options),
)

class KyselyAuditrum extends CarryingAuditrum {
  readonly #db: Kysely<never>

  constructor(db: Kysely<never>, { pool, ...options }: Options) {
    // where its own SQL goes, and how connections come to carry the context
    super(queryableOf(db), options, (carrying) => wrapPool(pool, carrying))
    this.#db = db
  }

  /** In a transaction of Kysely's. */
  override on(target: Transaction<never> | Queryable) {
    return super.on('executeQuery' in target ? queryableOf(target) : target)
  }

  /** The log, as a query of Kysely's own. */
  events(table: string, id: string | number) {
    const history = sql<Log['auditlog']>`${sql.id(this.schema, 'history')}(${table}, ${String(id)})`
    return this.#db.selectFrom(history.as('auditlog')).selectAll()
  }
}

function queryableOf(db: Kysely<never>): Queryable {
  return {
    async query(text, values = []) {
      const { rows } = await db.executeQuery(CompiledQuery.raw(text, values))
      return { rows }
    },
  }
}

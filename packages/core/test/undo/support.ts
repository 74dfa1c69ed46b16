import { beforeAll } from 'vitest'
import { Auditrum } from '../../src/index.js'
import { type AuditedDatabase, auditedDatabase } from '../support.js'

type Rows = Record<string, unknown>[]

/** A database whose audit is asked to undo. */
export interface Undoing extends AuditedDatabase {
  readonly audit: Auditrum
  select(text: string): Promise<Rows>
  /** The transaction in which some SQL ran, by its id. */
  transaction(sql: string): Promise<string>
}

export function undoing(): { readonly database: Undoing } {
  const held: { database?: Undoing } = {}
  beforeAll(async () => {
    const database = await auditedDatabase()
    held.database = Object.freeze({
      ...database,
      audit: new Auditrum(database),
      select: async (text: string) => (await database.query<Rows[0]>(text)).rows,
      async transaction(sql: string) {
        const events = await database.recorded(sql)
        return String(events[0]?.transaction_id)
      },
    })
  })
  return {
    get database() {
      if (!held.database)
        throw new Error('The database is made before the tests, not before them all.')
      return held.database
    },
  }
}

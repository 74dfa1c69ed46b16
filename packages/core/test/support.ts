import {
  createDatabase,
  type Database,
  type DatabaseOptions,
  prepareTemplate,
} from '@auditrum/testkit'
import { testServer } from '@auditrum/testkit/vitest'
import type pg from 'pg'
import { afterAll } from 'vitest'
import { schemaSql, type TableName, type TrackOptions, track, trackingSql } from '../src/index.js'

/** A row of the view auditlog. */
interface LoggedEvent {
  readonly id: string
  readonly changed_at: Date
  readonly operation: string
  readonly schema_name: string
  readonly table_name: string
  readonly object_id: string | null
  readonly old_object_id: string | null
  readonly user_id: string | null
  readonly old_data: Readonly<Record<string, unknown>> | null
  readonly new_data: Readonly<Record<string, unknown>> | null
  readonly diff: Readonly<Record<string, { readonly old: unknown; readonly new: unknown }>> | null
  readonly meta: Readonly<Record<string, unknown>> | null
  readonly masked: readonly string[] | null
  readonly drift: readonly string[] | null
  readonly image: 'full' | 'changed' | 'key'
  readonly lossy: boolean
  readonly db_user: string
  readonly transaction_id: string | null
  readonly context_id: string | null
  readonly metadata: Readonly<Record<string, unknown>> | null
  readonly context_error: string | null
  readonly txid: string
  readonly change_reason: string | null
  readonly source: string | null
  readonly context_uuid: string | null
  readonly root_uuid: string | null
  readonly application_name: string | null
  readonly client_addr: string | null
}

/** A database with the log in it. */
export interface AuditedDatabase extends Database {
  /** Tracks a table. */
  track(table: string | TableName, options?: TrackOptions): Promise<void>
  /** Creates a table called `name`, which `sql` defines and fills, and tracks it. */
  tracked(name: string, sql: string, options?: TrackOptions): Promise<void>
  /** The events of a table, oldest first; without a name those of all tables. */
  events(table?: string | TableName): Promise<LoggedEvent[]>
  /** The events that some SQL, or a function, causes. */
  recorded(act: string | (() => Promise<unknown>), values?: unknown[]): Promise<LoggedEvent[]>
  /** The one event that some SQL, or a function, causes; it is an error if there are more or none. */
  event(act: string | (() => Promise<unknown>), values?: unknown[]): Promise<LoggedEvent>
}

/** A fresh database with the log in it, dropped after the file's last test. */
export async function auditedDatabase(options: DatabaseOptions = {}): Promise<AuditedDatabase> {
  const server = testServer()
  const copied = options.encoding === undefined && options.locale === undefined
  const template = copied
    ? await prepareTemplate(server, schemaSql(), (client) => client.query(schemaSql()))
    : undefined
  const database = await createDatabase(server, { template, ...options })
  afterAll(() => database.drop())
  if (!copied) await database.query(schemaSql())
  return audited(database)
}

/** Runs statements on a client in one transaction, and leaves it there by `end`. */
export async function inTransaction(
  client: pg.Client,
  statements: readonly string[],
  end = 'commit',
): Promise<void> {
  for (const statement of ['begin', ...statements, end]) await client.query(statement)
}

function audited(database: Database): AuditedDatabase {
  const install = async (table: string | TableName, options?: TrackOptions) => {
    await database.query(trackingSql(track(table, options)))
  }
  const read = async (condition: string, values: unknown[]) => {
    const text = `select * from auditrum.auditlog where ${condition} order by id`
    return (await database.query<LoggedEvent & Record<string, unknown>>(text, values)).rows
  }
  const recorded = async (act: string | (() => Promise<unknown>), values?: unknown[]) => {
    const before = await database.query(
      'select coalesce(max(id), 0) as id from auditrum.audit_event',
    )
    await (typeof act === 'string' ? database.query(act, values) : act())
    return read('id > $1', [before.rows[0]?.id])
  }
  return Object.freeze({
    ...database,
    track: install,
    async tracked(name: string, sql: string, options?: TrackOptions) {
      await database.query(sql)
      await install(name, options)
    },
    events(table?: string | TableName) {
      if (table === undefined) return read('true', [])
      const { schema = null, table: name } = track(table).table
      return read('table_name = $1 and schema_name = coalesce($2, schema_name)', [name, schema])
    },
    recorded,
    async event(act: string | (() => Promise<unknown>), values?: unknown[]) {
      const [first, ...more] = await recorded(act, values)
      if (!first || more.length > 0) {
        throw new Error(`There should be one event, and there are ${first ? more.length + 1 : 0}.`)
      }
      return first
    },
  })
}

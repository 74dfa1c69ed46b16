import { readFileSync } from 'node:fs'
import { schemaSql, track, trackingSql } from '@auditrum/core'
import type pg from 'pg'

/** Something that records the changes of a table, or nothing. */
export interface Candidate {
  readonly name: string
  /** Its own table: all candidates work on equal ones. */
  readonly table: string
  /** The tables of its log, partitions left out; measured and emptied. */
  readonly log: readonly string[]
  /** Whether its autocommit writes give a context of their own. */
  readonly hasContext: boolean
  install(client: pg.Client): Promise<void>
}

/** No audit: what the others are measured against. */
export const none: Candidate = {
  name: 'none',
  table: 'of_none',
  log: [],
  hasContext: false,
  async install() {},
}

/** Ours, with every safeguard on. */
export function ours(image: 'full' | 'changed'): Candidate {
  const table = `of_auditrum_${image}`
  return {
    name: image === 'full' ? 'auditrum' : "auditrum, image: 'changed'",
    table,
    log: ['auditrum.audit_event', 'auditrum.audit_context'],
    hasContext: true,
    async install(client) {
      await client.query(schemaSql())
      await client.query(trackingSql(track(table, { image })))
    },
  }
}

/**
 * A competitor from a file: its first line names the tables of its log, `:table` is the table to
 * record.
 */
export function peer(name: string, file: string | URL): Candidate {
  const sql = readFileSync(file, 'utf8')
  const log = /^-- log: (.+)$/m.exec(sql.split('\n', 1)[0] ?? '')?.[1]
  if (!log) {
    throw new Error(
      `${file} does not begin with "-- log: schema.table, …". Name the tables of its log there.`,
    )
  }
  const table = `of_${name.replaceAll(/\W/g, '_')}`
  return {
    name,
    table,
    log: log.split(',').map((each) => each.trim()),
    hasContext: false,
    async install(client) {
      await client.query(sql.replaceAll(/:table\b/g, table))
    },
  }
}

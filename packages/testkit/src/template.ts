import { createHash } from 'node:crypto'
import pg from 'pg'
import { administer } from './database.ts'
import type { Server } from './server.ts'

/**
 * Prepares a database to be copied, once per server and key, however many workers ask at the same
 * time. Returns its name for `createDatabase`. What changes the content belongs into the key: on
 * a server that lives longer than the tests, a template stays.
 *
 * @example
 * ```ts
 * const template = await prepareTemplate(server, 'shop', async (client) => {
 *   await client.query('create table customer (id integer primary key)')
 * })
 * const database = await createDatabase(server, { template })
 * ```
 */
export async function prepareTemplate(
  server: Server,
  key: string,
  prepare: (client: pg.Client) => Promise<unknown>,
): Promise<string> {
  const name = `template_${createHash('sha256').update(key).digest('hex').slice(0, 16)}`
  return administer(server, async (admin) => {
    // Held until the session ends.
    await admin.query('select pg_advisory_lock(hashtextextended($1, 0))', [name])
    const found = await admin.query('select datistemplate from pg_database where datname = $1', [
      name,
    ])
    if (found.rows[0]?.datistemplate) return name
    // What an earlier worker left unfinished.
    await admin.query(`drop database if exists ${name} with (force)`)
    await admin.query(`create database ${name}`)
    const client = new pg.Client(server.url(name))
    await client.connect()
    try {
      await prepare(client)
    } finally {
      await client.end()
    }
    // CREATE DATABASE refuses a template that somebody is connected to.
    await admin.query(`alter database ${name} with is_template true allow_connections false`)
    return name
  })
}

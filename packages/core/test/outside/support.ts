import { generateKeyPairSync } from 'node:crypto'
import { Auditrum } from '../../src/index.js'
import { type AuditedDatabase, auditedDatabase } from '../support.js'

/** A pair of keys, as PEM. */
export function keyPair(): { readonly key: string; readonly publicKey: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519', {
    privateKeyEncoding: { format: 'pem', type: 'pkcs8' },
    publicKeyEncoding: { format: 'pem', type: 'spki' },
  })
  return { key: privateKey, publicKey }
}

/** A log that is sealed, with orders in it. */
export interface SealedLog {
  readonly database: AuditedDatabase
  readonly audit: Auditrum
  /** Writes so many orders, and seals them in blocks of at most so many events. */
  add(orders: number, perBlock?: number): Promise<void>
  seal(perBlock?: number): Promise<void>
  /** What only who owns the log can do: behind its back. */
  forge(statements: string): Promise<void>
}

export async function sealedLog(): Promise<SealedLog> {
  const database = await auditedDatabase()
  await database.tracked(
    'orders',
    'create table orders (id serial primary key, status text, total numeric, doc jsonb)',
  )
  await database.query('select auditrum.enable_sealing()')
  const seal = async (perBlock = 10_000) => {
    for (;;) {
      const text = 'select auditrum.seal($1) as sealed'
      const { rows } = await database.query<{ sealed: { more: boolean } }>(text, [perBlock])
      if (!rows[0]?.sealed.more) return
    }
  }
  return {
    database,
    audit: new Auditrum(database.pool()),
    async add(orders, perBlock) {
      await database.query(
        `insert into orders (status, total) select 'new', n from generate_series(1, $1::integer) as n`,
        [orders],
      )
      await seal(perBlock)
    },
    seal,
    async forge(statements) {
      await database.query(statements)
    },
  }
}

/** All of the chain, as it is hashed. */
export async function entriesOf({ database }: SealedLog): Promise<readonly string[]> {
  const { rows } = await database.query('select entry::text from auditrum.audit_seal order by id')
  return rows.map(({ entry }) => String(entry))
}

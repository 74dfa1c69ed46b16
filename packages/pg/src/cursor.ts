import { randomUUID } from 'node:crypto'
import { UsageError } from '@auditrum/core'
import { runInContext } from '@auditrum/core/adapter'

/** A client of node-postgres, as far as reading by a cursor needs it. */
export interface CursorClient {
  query(text: string, values?: unknown[]): Promise<{ rows: unknown[] }>
  /** Of newer versions: I, T or E as in ReadyForQuery. */
  getTransactionStatus?(): 'I' | 'T' | 'E' | null
  readonly connection?: { readonly stream: unknown } | undefined
}

/** Connections that are lent: of a pool. */
export interface Lender<Client extends CursorClient> {
  /** Whose connections they are. */
  readonly pool: object
  /** How many it has at most. */
  readonly most: number
  acquire(): Promise<Client>
  /** @param broken Why it must serve nobody else, if so. */
  release(client: Client, broken?: Error): void | Promise<void>
}

const FIRST_BATCH = 50
const LARGEST_BATCH = 5_000
/** What a batch is to come to, once it is known how large rows are. */
const BATCH_BYTES = 2 ** 20

/** How many connections of a pool are lent to readers. */
const lent = new WeakMap<object, number>()

/**
 * The rows of one statement on a connection that is borrowed for it, in a transaction that can only
 * read: so it also goes through a pooler, and needs nothing of the protocol that a pipeline forbids.
 * To be read at once: the connection is set aside from now on.
 *
 * @returns undefined where that would be the last connection: whoever reads needs another one for what
 *   is done with a row, and would wait for himself.
 */
export function borrowedRows<Client extends CursorClient>(
  lender: Lender<Client>,
  text: string,
  values: unknown[] = [],
): AsyncGenerator<unknown, void, undefined> | undefined {
  const { pool, most } = lender
  const others = lent.get(pool) ?? 0
  if (others + 1 >= most) return undefined
  lent.set(pool, others + 1)
  return rowsOfBorrowed(lender, text, values)
}

async function* rowsOfBorrowed<Client extends CursorClient>(
  { pool, acquire, release }: Lender<Client>,
  text: string,
  values: unknown[],
): AsyncGenerator<unknown, void, undefined> {
  try {
    yield* rowsOnLoan({ acquire, release }, text, values)
  } finally {
    lent.set(pool, (lent.get(pool) ?? 1) - 1)
  }
}

async function* rowsOnLoan<Client extends CursorClient>(
  { acquire, release }: Pick<Lender<Client>, 'acquire' | 'release'>,
  text: string,
  values: unknown[],
): AsyncGenerator<unknown, void, undefined> {
  const borrowed = await acquire()
  // a FETCH looks like a write, and this one is none: it carries no context
  const client: CursorClient = {
    query: (...args) => runInContext(undefined, () => borrowed.query(...args)),
    connection: borrowed.connection,
  }
  try {
    await client.query('begin read only')
    yield* rowsByCursor(client, text, values)
  } finally {
    // of a transaction that has failed it is a ROLLBACK
    const broken = await client.query('commit').then(
      () => undefined,
      (error: Error) => error,
    )
    await release(borrowed, broken)
  }
}

/**
 * The same inside the transaction that a connection is in, whose other statements may run between
 * two rows.
 *
 * @returns undefined where it is in none: a transaction that the caller does not know of would take in
 *   what else is sent there meanwhile.
 */
export function rowsInTransaction(
  client: CursorClient,
  text: string,
  values: unknown[] = [],
): AsyncGenerator<unknown, void, undefined> | undefined {
  return client.getTransactionStatus?.() === 'T' ? rowsByCursor(client, text, values) : undefined
}

/** The same where it is known to be in one. */
export async function* rowsByCursor(
  client: CursorClient,
  text: string,
  values: unknown[] = [],
): AsyncGenerator<unknown, void, undefined> {
  const name = `auditrum_${randomUUID().replaceAll('-', '')}`
  await client.query(`declare ${name} no scroll cursor for ${text}`, values)
  let size = FIRST_BATCH
  let isOpen = true
  try {
    for (;;) {
      const before = bytesRead(client)
      const { rows } = await client.query(`fetch ${size} from ${name}`)
      yield* rows
      if (rows.length < size) break
      const bytesOfOne = (bytesRead(client) - before) / size || BATCH_BYTES / size
      size = Math.ceil(Math.min(BATCH_BYTES / bytesOfOne, 4 * size, LARGEST_BATCH))
    }
    isOpen = false
    await client.query(`close ${name}`)
  } catch (error) {
    isOpen = false
    throw (error as { readonly code?: unknown }).code === '34000' ? lost(error) : error
  } finally {
    if (isOpen) await close(client, name)
  }
}

/**
 * Of a consumer that has stopped, in a transaction that it may have ended or undone in part: to close
 * a cursor that is gone would make the rest of it fail. Open, it would keep its table from ALTER TABLE.
 */
async function close(client: CursorClient, name: string): Promise<void> {
  const text = 'select from pg_catalog.pg_cursors where name = $1'
  const found = await client.query(text, [name]).catch(() => undefined)
  if (found?.rows.length) await client.query(`close ${name}`)
}

function lost(cause: unknown): UsageError {
  return new UsageError(
    'The transaction that these rows were read in has ended, or was undone to a savepoint before them. Read all that is wanted before that, or read without a transaction.',
    { cause },
  )
}

function bytesRead({ connection }: CursorClient): number {
  return (connection?.stream as { readonly bytesRead?: number } | undefined)?.bytesRead ?? 0
}

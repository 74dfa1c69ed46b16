import type { EventEmitter } from 'node:events'
import type pg from 'pg'

// The parts of node-postgres that its types leave out, as they are since 8.11.

/** The protocol's messages (https://www.postgresql.org/docs/current/protocol-flow.html). */
export interface Connection extends EventEmitter {
  readonly stream: {
    cork?(): void
    uncork?(): void
    write(chunk: Uint8Array, ...rest: unknown[]): boolean
  }
  /** The texts of the statements that are prepared, by name. */
  readonly parsedStatements: Readonly<Record<string, string>>
  /** Those whose Parse is on its way. */
  readonly submittedNamedStatements?: Record<string, string>
  parse(message: { readonly text: string; readonly name?: string }): void
  bind(message: { readonly statement?: string; readonly values: readonly unknown[] }): void
  execute(message?: { readonly portal?: string }): void
  describe(message: { readonly type: 'P' | 'S'; readonly name: string }): void
  sync(): void
  endCopyFrom(): void
  query(text: string): void
}

/** An error as the server reports it. */
export interface ServerError extends Error {
  readonly code?: string
  readonly severity?: string
  /** Of the server's source, where it was raised. */
  readonly routine?: string
  /** 1-based, in characters of the text that was sent. */
  position?: string | undefined
}

/** What a client calls when messages arrive. */
export const handlers = [
  'handleRowDescription',
  'handleDataRow',
  'handlePortalSuspended',
  'handleEmptyQuery',
  'handleCommandComplete',
  'handleCopyInResponse',
  'handleCopyData',
  'handleReadyForQuery',
  'handleError',
] as const

/** What a client sends and hands the answers to: a query, a cursor, a stream. */
export interface Submittable
  extends Partial<
    Record<Exclude<(typeof handlers)[number], 'handleError'>, (...args: never[]) => unknown>
  > {
  submit(connection: Connection): Error | null | undefined
  handleDataRow?(message: { readonly fields?: readonly unknown[] }): unknown
  handleRowDescription?(message: unknown): unknown
  handleCommandComplete?(message: unknown, connection: Connection): unknown
  handleError(error: ServerError, connection: Connection): unknown
  text?: string | undefined
  name?: string | undefined
}

/** A query that is no cursor and no stream. */
export interface Query extends Submittable {
  values?: unknown
  callback?: Callback | undefined
  binary?: boolean
  /** Whether it goes by the extended protocol. */
  requiresPreparation(): boolean
}

export type Callback = (error: Error | null | undefined, result?: unknown) => void

export interface QueryClass {
  new (config: unknown, values?: unknown, callback?: unknown): Query
  readonly prototype: Query
}

export interface Client extends EventEmitter {
  readonly connection: Connection
  readonly pipeline?: boolean
  /** As the server, or a pooler in front of it, gave it at the start. */
  readonly processID?: number | null
  readonly replication?: unknown
  readonly readyForQuery?: boolean
  /** Queries that wait. */
  readonly _queryQueue?: Query[]
  /** The constructor of its promises. */
  readonly _Promise?: PromiseConstructor
  /** Of newer versions: I, T or E as in ReadyForQuery. */
  getTransactionStatus?(): 'I' | 'T' | 'E' | null
  query(...args: unknown[]): unknown
}

/** The class of a client's queries. */
export function queryClassOf(client: Client): QueryClass {
  for (let of: unknown = client; of; of = Object.getPrototypeOf(of)) {
    const { Query } = (of as Client).constructor as unknown as { readonly Query?: QueryClass }
    if (Query) return Query
  }
  throw new TypeError('This is no client of node-postgres: its class has no Query.')
}

export function isSubmittable(value: unknown): value is Submittable {
  return typeof (value as Submittable | null)?.submit === 'function'
}

/** A query that is no cursor and no stream, of whatever class. */
export function isQuery(query: Submittable): query is Query {
  return typeof (query as Partial<Query>).requiresPreparation === 'function'
}

/** A pool, whose clients come and go. */
export function isPool(target: object): target is pg.Pool {
  return 'totalCount' in target
}

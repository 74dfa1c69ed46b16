import type { StoredContext } from '@auditrum/core/adapter'
import type { Command } from './commands/commands.js'
import type { CommandKind } from './commands/kind.js'
import { type Connection, handlers, type Query, type Submittable } from './driver.js'
import { inContext, isRefused } from './query.js'
import type { Session } from './session.js'
import { type Answer, cork, override } from './setting.js'

/**
 * Makes a cursor, a stream or a query object of the application's, once, send the context before it
 * sends itself, and find it in its events: they come from the socket, and would else have the
 * context of whoever opened that.
 */
export function carryOn(
  query: Submittable,
  session: Session,
  context: StoredContext | undefined,
  commands: readonly Command[],
): void {
  const restore = override(query, {
    submit(connection: Connection) {
      restore()
      const [command] = commands
      const carrying =
        commands.length === 1 &&
        command !== undefined &&
        takesSetting(query, command, session, connection)
      const setting = carrying ? session.due(context) : undefined
      stayIn(query, context)
      const refused =
        setting === undefined
          ? query.submit(connection)
          : cork(connection, () => submitBehind(setting, session, query, command?.kind, connection))
      if (!refused) session.submitted(commands, setting)
      return refused
    },
  })
}

function takesSetting(
  query: Submittable,
  command: Command,
  session: Session,
  connection: Connection,
): boolean {
  if (!session.carries(command)) return false
  // a query has no data to copy in; a stream that copies out reads the socket by itself
  return isQuery(query)
    ? command.kind !== 'copy in' && !isRefused(query, connection)
    : !command.kind.startsWith('copy out')
}

function submitBehind(
  value: string,
  { setting }: Session,
  query: Submittable,
  kind: CommandKind | undefined,
  connection: Connection,
) {
  const answer = setting.answer()
  setting.send(connection, value)
  if (isQuery(query) && !query.requiresPreparation()) {
    // behind a setting without Sync, PostgreSQL 18 does not commit a single simple Query
    query.requiresPreparation = () => true
    query.binary = false
  }
  const refused = query.submit(kind === 'copy in' ? copyingIn(connection, query) : connection)
  if (!refused) keepFrom(query, answer, connection)
  return refused
}

/** Keeps the answers to the setting from a query. */
function keepFrom(query: Submittable, answer: Answer, connection: Connection): void {
  const { name } = query
  const restore = override<Submittable>(query, {
    // at a ParseComplete the client notes the active query's name as parsed, which it is not yet
    name: undefined,
    handleDataRow: answer.row,
    handleCommandComplete() {
      restore()
      answer.complete()
    },
    handleError(error) {
      restore()
      answer.failed()
      if (name) delete connection.submittedNamedStatements?.[name]
      return query.handleError(error, connection)
    },
  })
}

/** A connection for a stream that copies in: it sends a simple Query, and this an extended one. */
function copyingIn(connection: Connection, query: Submittable): Connection {
  const sync = syncBehindData(connection, query)
  return Object.assign(Object.create(connection) as Connection, {
    query(text: string) {
      connection.parse({ text })
      connection.bind({ values: [] })
      connection.execute()
    },
    endCopyFrom() {
      connection.endCopyFrom()
      sync()
    },
    stream: Object.assign(Object.create(connection.stream) as Connection['stream'], {
      write(chunk: Uint8Array, ...rest: unknown[]) {
        const written = connection.stream.write(chunk, ...rest)
        if (COPY_DONE.equals(chunk)) sync()
        return written
      },
    }),
  })
}

/** As pg-copy-streams writes it, past the connection. */
const COPY_DONE = Buffer.from([0x63, 0, 0, 0, 4])

/**
 * While it copies in, the server ignores a Sync, and it answers CopyDone only at the next one: there
 * must be exactly one, behind the data or behind an error.
 */
function syncBehindData(connection: Connection, query: Submittable): () => void {
  let isSent = false
  const sync = () => {
    if (!isSent) connection.sync()
    isSent = true
  }
  const restore = override<Submittable>(query, {
    handleError(error) {
      restore()
      sync()
      return query.handleError(error, connection)
    },
  })
  return sync
}

function isQuery(query: Submittable): query is Query {
  return typeof (query as Partial<Query>).requiresPreparation === 'function'
}

function stayIn(query: Submittable, context: StoredContext | undefined): void {
  const methods: Record<string, unknown> = {}
  for (const name of handlers) {
    const method = query[name] as ((...args: unknown[]) => unknown) | undefined
    if (method) methods[name] = inContext(context, method.bind(query))
  }
  Object.assign(query, methods)
}

import { type StoredContext, storedContext } from '@auditrum/core/adapter'
import type { Command } from './commands/commands.js'
import type { CommandKind } from './commands/kind.js'
import { type Connection, handlers, isQuery, type Query, type Submittable } from './driver.js'
import { inContext, isRefused, putIn } from './query.js'
import type { Caller, Session } from './session.js'
import { type Answer, cork, override } from './setting.js'

/** What a query object is sent with. */
interface Carried {
  readonly session: Session
  readonly caller: Caller
  /** Its commands, at the time when they are asked for. */
  read(): readonly Command[]
}

/**
 * Makes a cursor, a stream or a query object of the application's, once, send the context before it
 * sends itself, and find it in its events: they come from the socket, and would else have the
 * context of whoever opened that.
 */
export function carryOn(query: Submittable, { session, caller, read }: Carried): void {
  bindCallbacks(query)
  const restore = override(query, {
    submit(connection: Connection) {
      restore()
      const commands = read()
      const carries = takesSetting(query, commands, session, connection)
      const setting = carries ? session.due(caller, commands) : undefined
      stayIn(query, caller.context)
      const refused = submit(query, setting, commands, session, connection)
      if (!refused) session.submitted(commands, setting)
      return refused
    },
  })
}

function submit(
  query: Submittable,
  setting: string | undefined,
  commands: readonly Command[],
  session: Session,
  connection: Connection,
): Error | null | undefined {
  if (setting === undefined) return query.submit(connection)
  if (commands.length === 1) {
    return cork(connection, () =>
      submitBehind(setting, session, query, commands[0]?.kind, connection),
    )
  }
  const restore = putIn(setting, query as Query, query as Query, session, commands)
  const refused = query.submit(connection)
  restore()
  return refused
}

function takesSetting(
  query: Submittable,
  commands: readonly Command[],
  session: Session,
  connection: Connection,
): boolean {
  const carrying = commands.filter((each) => session.carries(each))
  if (carrying.length === 0) return false
  // a query has no data to copy in; a stream that copies out reads the socket by itself
  return isQuery(query)
    ? carrying.some(({ kind }) => kind !== 'copy in') &&
        !isRefused(query, connection) &&
        (commands.length === 1 || !query.requiresPreparation())
    : commands.length === 1 && !carrying[0]?.kind.startsWith('copy out')
}

function submitBehind(
  value: string,
  { setting }: Session,
  query: Submittable,
  kind: CommandKind | undefined,
  connection: Connection,
) {
  const answer = setting.send(connection, value, false)
  if (isQuery(query) && !query.requiresPreparation()) {
    // behind a setting without Sync, PostgreSQL 18 does not commit a single simple Query
    query.requiresPreparation = () => true
    query.binary = false
  }
  const refused =
    kind === 'copy in'
      ? query.submit(copyingIn(connection, query))
      : withoutSimpleQuery(connection, () => query.submit(connection))
  if (!refused) keepFrom(query, answer, connection)
  return refused
}

/** What sends a simple Query, sends an extended one: see {@link submitBehind}. */
function withoutSimpleQuery<Result>(connection: Connection, send: () => Result): Result {
  const restore = override<Connection>(connection, {
    query(text: string) {
      connection.parse({ text })
      connection.bind({ values: [] })
      connection.describe({ type: 'P', name: '' })
      connection.execute()
      connection.sync()
    },
  })
  try {
    return send()
  } finally {
    restore()
  }
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
  const isDone = copyDoneDetector()
  const copying = Object.assign(Object.create(connection) as Connection, {
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
        if (isDone(chunk)) sync()
        return written
      },
    }),
  })
  // older streams take the connection from here
  const { handleCopyInResponse } = query
  query.handleCopyInResponse = () => handleCopyInResponse?.call(query, copying as never)
  return copying
}

const COPY_DONE = 0x63
const HEADER_SIZE = 5

/** Tells when CopyDone has gone by, among messages that are written in any pieces, past the connection. */
function copyDoneDetector(): (chunk: Uint8Array) => boolean {
  const header = Buffer.alloc(HEADER_SIZE)
  let known = 0
  let left = 0
  return (chunk) => {
    let isDone = false
    for (let at = 0; at < chunk.length; ) {
      if (left > 0) {
        const size = Math.min(left, chunk.length - at)
        left -= size
        at += size
        continue
      }
      header[known++] = chunk[at++] ?? 0
      if (known < HEADER_SIZE) continue
      known = 0
      left = header.readUInt32BE(1) - 4
      isDone ||= header[0] === COPY_DONE
    }
    return isDone
  }
}

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

/** What a cursor calls back with is of whoever reads it then, not of whoever opened it. */
function bindCallbacks(query: Submittable): void {
  const cursor = query as Partial<
    Record<'read' | 'close' | 'pipe', (...args: unknown[]) => unknown>
  >
  if (cursor.pipe) return
  for (const name of ['read', 'close'] as const) {
    const method = cursor[name]
    if (!method) continue
    cursor[name] = (...args) => {
      const context = storedContext()
      const bound = args.map((each) =>
        typeof each === 'function' ? inContext(context, each as () => unknown) : each,
      )
      return method.apply(cursor, bound)
    }
  }
}

function stayIn(query: Submittable, context: StoredContext | undefined): void {
  const methods: Record<string, unknown> = {}
  for (const name of handlers) {
    const method = query[name] as ((...args: unknown[]) => unknown) | undefined
    if (method) methods[name] = inContext(context, method.bind(query))
  }
  Object.assign(query, methods)
}

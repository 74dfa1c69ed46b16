import { type StoredContext, storedContext } from '@auditrum/core/adapter'
import type { Command } from './commands/commands.js'
import type { CommandKind } from './commands/kind.js'
import { copyingIn } from './copying.js'
import { type Connection, handlers, isQuery, type Query, type Submittable } from './driver.js'
import { inContext, isRefused } from './query.js'
import type { Caller, Session } from './session.js'
import { type Answer, cork, override } from './setting.js'
import { putIn } from './several.js'

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

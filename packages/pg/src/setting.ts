import type { Connection, ServerError, Submittable } from './driver.js'

/** The setting that the capture functions read. FROM, so that the value is not sent back. */
const SET = "select from pg_catalog.set_config('auditrum.context', $1, true)"

/**
 * Sends the setting without a Sync, so that it shares the implicit transaction, and the round trip,
 * of what follows.
 */
export function sendSetting(connection: Connection, value: string): void {
  connection.parse({ text: SET })
  connection.bind({ values: [value] })
  connection.execute()
}

/** A connection that sends the setting in front of the first message of a query, if there is one. */
export function behindSetting(value: string, connection: Connection): Connection {
  let isSent = false
  const first = () => {
    if (!isSent) sendSetting(connection, value)
    isSent = true
  }
  return Object.assign(Object.create(connection) as Connection, {
    parse(message: { readonly text: string }) {
      first()
      connection.parse(message)
    },
    bind(message: { readonly values: readonly unknown[] }) {
      first()
      connection.bind(message)
    },
  })
}

/** Lets several messages go in one packet. */
export function cork<Result>(connection: Connection, send: () => Result): Result {
  connection.stream.cork?.()
  try {
    return send()
  } finally {
    connection.stream.uncork?.()
  }
}

/** The setting as a command of its own, for a text of several. */
export function settingCommand(value: string): string {
  // E'' reads the same whatever standard_conforming_strings is
  const literal = `E'${value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`
  return `${SET.replace('$1', literal)};`
}

/**
 * Keeps the answers to {@link sendSetting} from a query: ParseComplete, a row, CommandComplete, or
 * an error.
 */
export function expectSetting(query: Submittable, connection: Connection): void {
  const { name } = query
  const restore = override(query, {
    // at a ParseComplete the client notes the active query's name as parsed, which it is not yet
    name: undefined,
    handleDataRow() {},
    handleCommandComplete() {
      restore()
    },
    handleError(error: ServerError) {
      restore()
      if (name) delete connection.submittedNamedStatements?.[name]
      return query.handleError(error, connection)
    },
  })
}

/** Sets properties of an object until the function that it returns is called. */
export function override<Target extends object>(
  target: Target,
  properties: Partial<Target>,
): () => void {
  const names = Object.keys(properties)
  const before = names.map((name) => Object.getOwnPropertyDescriptor(target, name))
  Object.assign(target, properties)
  return () => {
    names.forEach((name, index) => {
      const descriptor = before[index]
      if (descriptor) Object.defineProperty(target, name, descriptor)
      else delete (target as Record<string, unknown>)[name]
    })
  }
}

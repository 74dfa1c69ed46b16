import { UsageError } from '@auditrum/core'
import { runInContext, type StoredContext, storedContext } from '@auditrum/core/adapter'
import { type Command, commandsOf } from './commands/commands.js'
import {
  type Callback,
  type Client,
  type Connection,
  isSubmittable,
  type Query,
  queryClassOf,
} from './driver.js'
import { carryingQueryClass, inContext, preparedText } from './query.js'
import { type CarryOptions, Session } from './session.js'
import { override } from './setting.js'
import { carryOn } from './submittable.js'

// on the client, not in a WeakMap: two copies of this package must not both send a context
const wrapped = Symbol.for('auditrum.pg.1')

/**
 * Makes every statement of a client carry the context of the code that calls `client.query`.
 *
 * @returns takes it off again; undefined where somebody else has put it on.
 */
export function wrapClient(client: Client, options: CarryOptions) {
  if (wrapped in client || client.replication) return undefined
  refuseNative(client)
  const session = new Session(client, options)
  let standardConformingStrings = true
  const listeners = {
    readyForQuery: ({ status }: { readonly status: string }) => session.ready(status),
    parameterStatus: ({ parameterName, parameterValue }: Record<string, string>) => {
      if (parameterName === 'standard_conforming_strings') {
        standardConformingStrings = parameterValue !== 'off'
      }
    },
  }
  // before the client's own listener, which sends the next query
  for (const [event, listener] of Object.entries(listeners)) {
    client.connection.prependListener(event, listener as (message: unknown) => void)
  }

  // looked up at each call: an instrumentation may come later
  const original = (...args: unknown[]) =>
    (Object.getPrototypeOf(client) as Client).query.apply(client, args)

  function query(...args: unknown[]): unknown {
    const [config, values, last] = args
    const context = storedContext()
    const commands = commandsIn(textOf(config, client.connection), standardConformingStrings)
    if (commands.some(({ kind }) => kind === 'session' || kind === 'alone' || kind === 'call')) {
      session.setting.passes(textOf(config, client.connection))
    }
    if (isSubmittable(config)) {
      carryOn(config, session, context, commands)
      const carriesNone = commands.length !== 1 || commands[0]?.kind.startsWith('copy out')
      const mayWrite = commands.length === 0 || commands.some((each) => session.carries(each))
      if (carriesNone && mayWrite) settle(context)
      return original(...args)
    }
    if (commands.length === 0 || (!client.pipeline && passes(commands))) {
      return original(...withCallbackIn(context, args))
    }

    const given = config as { readonly query_timeout?: number } | string
    const again = (send: (...args: unknown[]) => unknown, callback: Callback) =>
      send(
        typeof given === 'string' ? given : { ...given },
        Array.isArray(values) ? values : undefined,
        callback,
      )
    const retryBare = (callback: Callback) => again(original, callback)
    const retry = (callback: Callback) => runInContext(context, () => again(query, callback))
    const Query = carryingQueryClass(queryClassOf(client))
    const carrying = new Query(
      { session, context, commands, retry, retryBare },
      given,
      values,
      last,
    )
    if (typeof given !== 'string' && given.query_timeout) {
      Object.assign(carrying, { query_timeout: given.query_timeout })
    }
    if (client.pipeline) hideText(carrying)
    // given as an argument, where instrumentations look for it
    const { callback } = carrying
    carrying.callback = undefined
    if (callback) {
      if (typeof callback !== 'function') throw new TypeError('callback is not a function')
      original(carrying, inContext(context, callback))
      return undefined
    }
    return new Promise((resolve, reject) => {
      const done: Callback = (error, result) => (error ? reject(error) : resolve(result))
      original(carrying, done)
    }).catch((error: unknown) => {
      // as the client does: a stack that leads back to the caller, not to the socket
      if (error instanceof Error) Error.captureStackTrace(error)
      throw error
    })
  }

  /** Brings a transaction's context up to date by a query of its own, for what can carry none. */
  function settle(context: StoredContext | undefined): void {
    const Query = carryingQueryClass(queryClassOf(client))
    const commands: Command[] = [{ kind: 'write', start: 0, end: 6 }]
    const ignore = () => undefined
    original(
      new Query({ session, context, commands, retry: ignore, retryBare: ignore }, 'select'),
      ignore,
    )
  }

  /** Commands that neither carry a context nor change what is known of one. */
  function passes(commands: readonly Command[]): boolean {
    return commands.every(
      (command) =>
        !session.carries(command) && (command.kind === 'read' || command.kind === 'copy out'),
    )
  }

  Object.defineProperty(client, 'query', { value: query, configurable: true, writable: true })
  Object.defineProperty(client, wrapped, { value: true, configurable: true })
  return () => {
    Reflect.deleteProperty(client, 'query')
    Reflect.deleteProperty(client, wrapped)
    for (const [event, listener] of Object.entries(listeners)) {
      client.connection.off(event, listener as (message: unknown) => void)
    }
  }
}

/** An application sends the same few texts over and over. */
const recent = new Map<string, readonly Command[]>()
const RECENT = 1_000

function commandsIn(text: string, standardConformingStrings: boolean): readonly Command[] {
  const key = standardConformingStrings ? text : `\0${text}`
  const known = recent.get(key)
  if (known) return known
  const commands = commandsOf(text, { standardConformingStrings })
  if (text.length <= 10_000) {
    if (recent.size >= RECENT) recent.delete(recent.keys().next().value as string)
    recent.set(key, commands)
  }
  return commands
}

function textOf(config: unknown, connection: Connection): string {
  if (typeof config === 'string') return config
  const { text, cursor, name } = Object(config) as {
    readonly text?: unknown
    /** A stream has its text in the cursor that it reads. */
    readonly cursor?: { readonly text?: unknown }
    /** A statement that is prepared needs its name alone. */
    readonly name?: string
  }
  const found = text ?? cursor?.text ?? (name && preparedText(name, connection))
  return typeof found === 'string' ? found : ''
}

/** The arguments of a call, with its callback in the context of the caller. */
function withCallbackIn(context: StoredContext | undefined, args: unknown[]): unknown[] {
  const [config, ...rest] = args
  const { callback } = Object(config) as { readonly callback?: unknown }
  return [
    typeof callback === 'function'
      ? { ...(config as object), callback: inContext(context, callback as Callback) }
      : config,
    ...rest.map((each) =>
      typeof each === 'function' ? inContext(context, each as Callback) : each,
    ),
  ]
}

/** From instrumentations that copy what has a text: a pipeline takes no copy of a query. */
function hideText(query: Query): void {
  const { text, submit } = query
  const restore = override(query, {
    text: undefined,
    submit(connection: Connection) {
      restore()
      query.text = text
      return submit.call(query, connection)
    },
  })
}

function refuseNative(client: Client): void {
  if (typeof (client.connection as Connection | undefined)?.parse === 'function') return
  throw new UsageError(
    'This client is one of pg-native, which lets nobody send a context along with a statement. Use the client in JavaScript, pg.Client or pg.Pool.',
  )
}

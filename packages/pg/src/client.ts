import { AsyncResource } from 'node:async_hooks'
import { UsageError } from '@auditrum/core'
import {
  hasQuestions,
  runInContext,
  type StoredContext,
  storedContext,
} from '@auditrum/core/adapter'
import type { Command } from './commands/commands.js'
import {
  type Callback,
  type Client,
  type Connection,
  isQuery,
  isSubmittable,
  type Query,
  queryClassOf,
  type Submittable,
} from './driver.js'
import { carryingQueryClass, inContext } from './query.js'
import { type Caller, type CarryOptions, Session } from './session.js'
import { override, restoreProperty } from './setting.js'
import { carryOn } from './submittable.js'
import { commandsIn, textOf } from './texts.js'

// on the client, not in a WeakMap: two copies of this package must not both send a context
const wrapped = Symbol.for('auditrum.pg.1')

/**
 * Makes every statement of a client carry the context of the code that calls `client.query`.
 *
 * @returns takes it off again; undefined where somebody else has put it on.
 */
export function wrapClient(client: Client, options: CarryOptions): (() => void) | undefined {
  if (wrapped in client || client.replication) return undefined
  refuseNative(client)
  const session = new Session(client, options)
  const { setting } = session
  let isClosed = false
  const listeners = {
    readyForQuery: ({ status }: { readonly status: string }) => session.ready(status),
    parameterStatus: ({ parameterName, parameterValue }: Record<string, string>) => {
      if (parameterName === 'standard_conforming_strings') {
        setting.standardConformingStrings = parameterValue !== 'off'
      }
    },
  }
  // before the client's own listener, which sends the next query
  for (const [event, listener] of Object.entries(listeners)) {
    client.connection.prependListener(event, listener as (message: unknown) => void)
  }

  // of the application, or of an instrumentation, which may also come later and change the prototype
  const before = Object.getOwnPropertyDescriptor(client, 'query')
  const original = (...args: unknown[]): unknown =>
    ((before?.value ?? (Object.getPrototypeOf(client) as Client).query) as Client['query']).apply(
      client,
      args,
    )
  const read = (text: string) => commandsIn(text, setting.standardConformingStrings)

  function query(...args: unknown[]): unknown {
    if (isClosed) return original(...args)
    const [config, values, last] = args
    const context = storedContext()
    const caller = { context, ask: asker(context) }
    const text = textOf(config, client.connection)
    const commands = read(text)
    if (commands.some(({ kind }) => kind === 'session' || kind === 'alone' || kind === 'call')) {
      setting.passes(text)
    }
    if (isSubmittable(config)) {
      carryOn(config, { session, caller, read: () => read(textOf(config, client.connection)) })
      const carriesNone =
        commands.length === 0 ||
        commands[0]?.kind.startsWith('copy out') ||
        !isOneOrQuery(config, commands)
      const mayWrite = commands.length === 0 || commands.some((each) => session.carries(each))
      if (carriesNone && mayWrite) settle(caller)
      return original(...args)
    }
    if (!client.pipeline && (commands.length === 0 || passes(commands))) {
      return original(...withCallbackIn(context, args))
    }

    const given = config as { readonly query_timeout?: number } | string
    const sendAgain = (send: (...args: unknown[]) => unknown, callback: Callback) => {
      const again = typeof given === 'string' ? given : Object.create(given)
      send(again, Array.isArray(values) ? values : undefined, callback)
      // it was sent first, and others may build on it
      const { _queryQueue: queue } = client
      if (queue && queue.length > 1) queue.unshift(queue.pop() as Query)
    }
    const Query = carryingQueryClass(queryClassOf(client))
    const carrying = new Query(
      {
        session,
        caller,
        commandsIn: read,
        retry: (callback) => runInContext(context, () => sendAgain(query, callback)),
        retryBare: (callback) => sendAgain(original, callback),
      },
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
    return promised(carrying)
  }

  /** Sends a query whose caller wants a promise. */
  function promised(carrying: Query): unknown {
    const { _Promise: Its = Promise } = client
    let returned: unknown
    const promise = new Its((resolve, reject) => {
      const done: Callback = (error, result) => (error ? reject(error) : resolve(result))
      // for a subclass of the client that awaits what its base class returns
      const then: unknown = (...args: Parameters<Promise<unknown>['then']>) => promise.then(...args)
      Object.defineProperty(carrying, 'then', { value: then, configurable: true })
      returned = original(carrying, done)
    })
    if (returned !== carrying && isThenable(returned)) {
      promise.catch(() => undefined) // is told by the other one
      return returned
    }
    return promise.catch((error: unknown) => {
      // as the client does: a stack that leads back to the caller, not to the socket
      if (error instanceof Error) Error.captureStackTrace(error)
      throw error
    })
  }

  /** Brings a transaction's context up to date by a query of its own, for what can carry none. */
  function settle(caller: Caller): void {
    const Query = carryingQueryClass(queryClassOf(client))
    const commands: Command[] = [{ kind: 'write', start: 0, end: 6 }]
    const ignore = () => undefined
    const carried = {
      session,
      caller,
      commandsIn: () => commands,
      retry: ignore,
      retryBare: ignore,
    }
    original(new Query(carried, 'select'), ignore)
  }

  /** Commands that neither carry a context nor change what is known of one. */
  function passes(commands: readonly Command[]): boolean {
    // what waits may change what is known
    if (client.readyForQuery === false || client._queryQueue?.length) return false
    return commands.every(
      (command) =>
        !session.carries(command) && (command.kind === 'read' || command.kind === 'copy out'),
    )
  }

  Object.defineProperty(client, 'query', { value: query, configurable: true, writable: true })
  Object.defineProperty(client, wrapped, { value: true, configurable: true })
  return () => {
    // the rest of a transaction has no context either
    if (session.isSet) settle({ context: undefined, ask: (question) => question() })
    isClosed = true
    restoreProperty(client, 'query', query, before)
    Reflect.deleteProperty(client, wrapped)
    for (const [event, listener] of Object.entries(listeners)) {
      client.connection.off(event, listener as (message: unknown) => void)
    }
  }
}

/** Whether all of a query object's commands can carry: one command of any, several of a query. */
function isOneOrQuery(config: Submittable, commands: readonly Command[]): boolean {
  return commands.length === 1 || isQuery(config)
}

/** Where the functions of a context are to be asked: where the caller is, with all that it finds there. */
function asker(context: StoredContext | undefined): Caller['ask'] {
  if (!context || !hasQuestions(context)) return (question) => question()
  const here = new AsyncResource('AuditrumCaller')
  return (question) => here.runInAsyncScope(question)
}

function isThenable(value: unknown): boolean {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function'
}

/** The arguments of a call, with its callback in the context of the caller. */
function withCallbackIn(context: StoredContext | undefined, args: unknown[]): unknown[] {
  const [config, ...rest] = args
  const { callback } = Object(config) as { readonly callback?: unknown }
  return [
    typeof callback === 'function'
      ? Object.assign(Object.create(config as object), {
          callback: inContext(context, callback as Callback),
        })
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

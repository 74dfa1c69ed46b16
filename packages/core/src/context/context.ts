import { UsageError } from '../errors.js'
import { startedContext } from './carried.js'
import { isGenerator, startingIn, steppingIn } from './later.js'
import { ask, forgetQuestions, metadataOf } from './metadata.js'
import {
  contextInside,
  runInContext,
  type StoredContext,
  storedContext,
  valuesOf,
} from './store.js'

/** A value of the metadata, or a function that knows it later. */
export type ContextValue<Value> = Value | (() => Value | null | undefined) | null | undefined

/**
 * Who, why and from where: JSON, stored as given. Well-known keys are snake_case as in the database,
 * so that what is written is what is queried. A function is called at the first write of each
 * transaction until it returns something other than null and undefined; its answer then stays.
 */
export interface ContextMetadata {
  /** The actor. */
  readonly user_id?: ContextValue<string | number>
  readonly username?: ContextValue<string>
  /** Where it comes from: `web`, `cron`, `cli`. */
  readonly source?: ContextValue<string>
  readonly change_reason?: ContextValue<string>
  readonly request_id?: ContextValue<string>
  readonly client_ip?: ContextValue<string>
  readonly user_agent?: ContextValue<string>
  readonly session_key?: ContextValue<string>
  readonly url?: ContextValue<string>
  readonly method?: ContextValue<string>
  readonly trace_id?: ContextValue<string>
  readonly span_id?: ContextValue<string>
  /** `user`, `service`, `system`. */
  readonly actor_type?: ContextValue<string>
  /** For whom the actor acts. */
  readonly on_behalf_of?: ContextValue<string | number>
  readonly [key: string]: unknown
}

/** The context of the running code, as far as it is known by now. */
export interface CurrentContext {
  readonly id: string
  /** The id of the outermost context around it. */
  readonly rootId: string
  readonly metadata: Readonly<Record<string, unknown>>
}

/**
 * Runs a function whose writes, and those of everything that it starts, carry this metadata. Inside
 * another context it inherits that one's metadata and adds to it; reasons become `outer -> inner`. A
 * program that was started with a context, by `auditrum run` or {@link contextEnvironment}, is inside
 * that one.
 *
 * @param fn Synchronous or not; what it returns is returned.
 * @throws UsageError when `metadata` is not an object.
 * @example
 * ```ts
 * await withContext({ source: 'cron', user_id: 7 }, async () => {
 *   await pool.query('update orders set status = $1 where paid', ['shipped'])
 * })
 * ```
 */
export function withContext<Result>(metadata: ContextMetadata, fn: () => Result): Result {
  checkedFunction(fn)
  const inside = contextInside(
    storedContext() ?? startedContext(),
    checked(metadata, 'withContext'),
  )
  const result = runInContext(inside, fn)
  return isGenerator(result) ? steppingIn(inside, result) : startingIn(inside, result)
}

/**
 * {@link withContext} for a reason alone. Where none was given (nothing, or an empty text) it only runs
 * the function.
 *
 * @example
 * ```ts
 * await withChangeReason('User requested password reset', () => resetPassword(id))
 * ```
 */
export function withChangeReason<Result>(
  reason: string | null | undefined,
  fn: () => Result,
): Result {
  if (reason === undefined || reason === null || reason === '') return checkedFunction(fn)()
  return withContext({ change_reason: reasonable(reason) }, fn)
}

/**
 * Adds to the context of the running code, for the rest of it: after a login, say. A block that only
 * gives a reason is none of its own: what is added there holds in the one around it. Outside a
 * context it does nothing.
 *
 * @returns whether there was a context.
 * @example
 * ```ts
 * amendContext({ user_id: user.id })
 * ```
 */
export function amendContext(metadata: ContextMetadata): boolean {
  const { change_reason, ...others } = valuesOf(checked(metadata, 'amendContext'))
  const context = storedContext()
  if (!context) return false
  if (change_reason !== undefined) amend(context, { change_reason })
  let around = context
  while (around.parent && onlyGivesReason(around)) around = around.parent
  amend(around, others)
  return true
}

function amend(context: StoredContext, metadata: Readonly<Record<string, unknown>>): void {
  Object.assign(context.own, metadata)
  forgetQuestions(context, Object.keys(metadata))
  context.revision++
}

function onlyGivesReason({ own }: StoredContext): boolean {
  const names = Object.keys(own)
  return names.length === 1 && names[0] === 'change_reason'
}

/** The context of the running code; undefined outside of one. */
export function currentContext(): CurrentContext | undefined {
  const context = storedContext()
  if (!context) return undefined
  ask(context)
  return Object.freeze({
    id: context.id,
    rootId: context.rootId,
    metadata: Object.freeze(metadataOf(context)),
  })
}

/** A method, as a decorator gets and gives it. */
type Method<This, Arguments extends unknown[], Result> = (this: This, ...args: Arguments) => Result

/** {@link changeReason}'s two forms: of the standard, and of TypeScript's `experimentalDecorators`. */
export interface ChangeReasonDecorator {
  <This, Arguments extends unknown[], Result>(
    method: Method<This, Arguments, Result>,
    context: ClassMethodDecoratorContext<This, Method<This, Arguments, Result>>,
  ): Method<This, Arguments, Result>
  (target: object, name: string | symbol, descriptor: PropertyDescriptor): void
}

/**
 * Runs a method {@link withChangeReason}.
 *
 * @example
 * ```ts
 * class Accounts {
 *   @changeReason('Bulk update for compliance')
 *   async bulk() {}
 * }
 * ```
 */
export function changeReason(reason: string): ChangeReasonDecorator {
  reasonable(reason)
  function wrap<This, Arguments extends unknown[], Result>(
    method: Method<This, Arguments, Result>,
  ): Method<This, Arguments, Result> {
    return Object.defineProperty(
      function (this: This, ...args: Arguments): Result {
        return withChangeReason(reason, () => method.apply(this, args))
      },
      'name',
      { value: method.name, configurable: true },
    )
  }
  const decorate = (first: unknown, _second: unknown, descriptor?: PropertyDescriptor): unknown => {
    const method: unknown = descriptor ? descriptor.value : first
    if (typeof method !== 'function') {
      throw new UsageError('@changeReason stands on something that is no method. Put it on one.')
    }
    const wrapped = wrap(method as Method<unknown, unknown[], unknown>)
    if (!descriptor) return wrapped
    descriptor.value = wrapped
    return undefined
  }
  return decorate as ChangeReasonDecorator
}

function checked(metadata: ContextMetadata, call: string): ContextMetadata {
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata)) {
    const given = Array.isArray(metadata) ? 'a list' : metadata === null ? 'null' : typeof metadata
    throw new UsageError(
      `${call}: the metadata is ${given}, not an object. Give an object such as { user_id: 7 }.`,
    )
  }
  for (const name of Object.keys(metadata)) {
    const meant = twins.get(name)
    if (meant !== undefined) warnOnce(call, name, meant)
  }
  return metadata
}

/** The well-known keys as JavaScript would have them: a `userId` names no actor. */
const twins: ReadonlyMap<string, string> = new Map(
  [
    ...['user_id', 'change_reason', 'request_id', 'client_ip', 'user_agent', 'session_key'],
    ...['trace_id', 'span_id', 'actor_type', 'on_behalf_of'],
  ].map((key) => [key.replace(/_(.)/g, (_, letter) => letter.toUpperCase()), key]),
)
const warned = new Set<string>()

function warnOnce(call: string, name: string, meant: string): void {
  if (warned.has(name)) return
  warned.add(name)
  process.emitWarning(
    `${call} was given "${name}", which is stored as it stands and means nothing to the log. Did you mean "${meant}"?`,
    { type: 'AuditrumWarning', code: 'AUDITRUM_CONTEXT_KEY' },
  )
}

function checkedFunction<Fn>(fn: Fn): Fn {
  if (typeof fn === 'function') return fn
  throw new UsageError(
    `withContext has ${fn === null ? 'null' : typeof fn} to run, not a function. Give one as its second argument.`,
  )
}

function reasonable(reason: string): string {
  if (typeof reason === 'string' && reason !== '') return reason
  throw new UsageError(`The change reason is ${JSON.stringify(reason)}. Give a text that says why.`)
}

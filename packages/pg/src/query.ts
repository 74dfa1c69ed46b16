import { runInContext, type StoredContext } from '@auditrum/core/adapter'
import type { Command } from './commands/commands.js'
import {
  type Callback,
  type Connection,
  handlers,
  type Query,
  type QueryClass,
  type ServerError,
} from './driver.js'
import type { Caller, Session } from './session.js'
import { type Answer, cork } from './setting.js'
import { putIn } from './several.js'
import { preparedText } from './texts.js'

/** What a query of the application's is sent with. */
interface Carried {
  readonly session: Session
  readonly caller: Caller
  /** The commands of a text: it may be another one by the time that it is sent. */
  commandsIn(text: string): readonly Command[]
  /** Runs the query again, before all that waits. */
  retry(callback: Callback): void
  /** The same without a context. */
  retryBare(callback: Callback): void
}

interface CarryingQueryClass {
  new (carried: Carried, config: unknown, values?: unknown, callback?: unknown): Query
}

const classes = new WeakMap<QueryClass, CarryingQueryClass>()

/**
 * A subclass of the client's own Query, which a pipeline insists on, that sends the context with its
 * statement: one object, one implicit transaction, one answer.
 */
export function carryingQueryClass(Base: QueryClass): CarryingQueryClass {
  const known = classes.get(Base)
  if (known) return known

  // Instrumentations that put a comment into the text copy the query with a spread. Methods that are
  // own properties go with the copy, and find what was copied by `original`.
  const inherited = Object.fromEntries(
    handlers.map((name) => {
      const method = Base.prototype[name] as (...args: unknown[]) => unknown
      return [
        name,
        function (this: Carrying, ...args: unknown[]) {
          return method.apply(this.original, args)
        },
      ]
    }),
  )
  const ownMethods = {
    ...inherited,
    submit(this: Carrying, connection: Connection) {
      return this.original.send(this, connection)
    },
    handleDataRow(this: Carrying, message: { readonly fields?: readonly unknown[] }) {
      const { original } = this
      if (original.answer) original.answer.row(message)
      else Base.prototype.handleDataRow?.call(original, message)
    },
    handleCommandComplete(this: Carrying, message: unknown, connection: Connection) {
      const { original } = this
      if (original.answer) original.answered(this).complete()
      else Base.prototype.handleCommandComplete?.call(original, message, connection)
    },
    handleError(this: Carrying, error: ServerError, connection: Connection) {
      return this.original.fail(this, error, connection)
    },
  }

  class Carrying extends Base {
    readonly original = this
    readonly carried: Carried
    /** Goes by the extended protocol, though it has no values. */
    isExtended = false
    /** Until the setting in front of it is answered. */
    answer: Answer | undefined = undefined
    /** Its name, while the client must not see it. */
    hiddenName: string | undefined = undefined
    /** Whether it shares its transaction with nothing but the setting. */
    mayBeRetried = false
    commands: readonly Command[] = []

    constructor(carried: Carried, config: unknown, values?: unknown, callback?: unknown) {
      super(config, values, callback)
      this.carried = carried
      Object.assign(this, ownMethods)
    }

    override requiresPreparation(): boolean {
      return this.isExtended || super.requiresPreparation()
    }

    send(active: Query, connection: Connection): Error | null | undefined {
      if (active !== this) {
        this.text = active.text
        this.binary = active.binary ?? false
        this.callback = (error, result) => active.callback?.(error, result)
      }
      const { session, caller, commandsIn } = this.carried
      // an instrumentation may have put a comment in front
      const commands = commandsIn(this.text ?? preparedText(this.name ?? '', connection) ?? '')
      this.commands = commands
      // a query has no data to copy in: it is refused, and by the extended protocol would wait for it
      const carrying =
        commands.some((each) => session.carries(each) && each.kind !== 'copy in') ||
        session.carriesAtEnd(commands, caller)
      const isCarrying = carrying && !session.isBare(this.text) && !isRefused(this, connection)
      const setting = isCarrying ? session.due(caller, commands) : undefined
      if (setting !== undefined && (super.requiresPreparation() || commands.length === 1)) {
        return this.#sendBehind(setting, active, connection)
      }
      const restore =
        setting === undefined ? undefined : putIn(setting, this, active, session, commands)
      const refused = super.submit(connection)
      restore?.()
      if (!refused) session.submitted(commands, setting)
      return refused
    }

    #sendBehind(setting: string, active: Query, connection: Connection): null {
      const { commands } = this
      const { session } = this.carried
      if (!super.requiresPreparation()) {
        // behind a setting without Sync, PostgreSQL 18 does not commit a single simple Query
        this.isExtended = true
        this.binary = false // the simple protocol gives text
      }
      return cork(connection, () => {
        this.mayBeRetried = session.autocommits && !session.isPipeline
        this.answer = session.setting.send(connection, setting, this.mayBeRetried)
        super.submit(connection)
        session.submitted(commands, setting)
        // at a ParseComplete the client notes the active query's name as parsed, which it is not yet
        this.hiddenName = active.name
        active.name = undefined
        return null
      })
    }

    /** The setting has its answer; what comes now is the query's own. */
    answered(active: Query): Answer {
      const answer = this.answer as Answer
      this.answer = undefined
      active.name = this.hiddenName
      return answer
    }

    fail(active: Query, error: ServerError, connection: Connection): unknown {
      // what the client makes up, of a time that is over, answers nothing
      const isOfSetting = this.answer !== undefined && error.severity !== undefined
      if (isOfSetting) {
        this.answered(active).failed()
        if (active.name) delete connection.submittedNamedStatements?.[active.name]
      }
      const { carried, callback } = this
      if (callback && this.mayBeRetried && this.#isBecauseOfUs(error, isOfSetting)) {
        this.mayBeRetried = false
        if (error.code === '2D000') carried.session.sendBare(this.text)
        return isOfSetting ? carried.retry(callback) : carried.retryBare(callback)
      }
      return Base.prototype.handleError.call(this, error, connection)
    }

    /**
     * Whether the setting in front is why the server refused, before the query did anything that
     * stays: only then may it be sent again. A procedure may have committed before it failed.
     */
    #isBecauseOfUs({ code, routine }: ServerError, isOfSetting: boolean): boolean {
      const { session } = this.carried
      const isCall = this.commands[0]?.kind === 'call'
      switch (code) {
        case '26000': // something that no text shows has deallocated the prepared setting
          return isOfSetting
        case '42601': // several commands where one was read
          return this.isExtended && routine === 'exec_parse_message'
        case '25001': // a command that wants to be alone and does not look it
          return !isCall && routine === 'PreventInTransactionBlock'
        case '08P01': // a text with parameters and no values, of which the simple protocol says more
          return this.isExtended && routine === 'exec_bind_message'
        case '2D000': // a procedure that commits
          return isCall && session.setting.forbidsCommit
        default:
          return false
      }
    }
  }
  classes.set(Base, Carrying)
  return Carrying
}

/** What the client refuses without sending anything: then nothing must be sent in front of it. */
export function isRefused({ text, name, values }: Query, connection: Connection): boolean {
  if (values && !Array.isArray(values)) return true
  const known = name ? preparedText(name, connection) : undefined
  return typeof text === 'string' ? known !== undefined && known !== text : known === undefined
}

/** A callback that finds the context it was given in, not that of whoever opened the socket. */
export function inContext<Args extends unknown[], Result>(
  context: StoredContext | undefined,
  callback: (...args: Args) => Result,
): (...args: Args) => Result {
  return function (this: unknown, ...args: Args): Result {
    return runInContext(context, () => callback.apply(this, args))
  }
}

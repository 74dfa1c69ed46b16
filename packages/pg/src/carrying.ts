import {
  Auditrum,
  AuditrumError,
  type AuditrumOptions,
  ContextError,
  type Queryable,
  SchemaError,
  type Signing,
  type SyncOptions,
  type SyncResult,
  UsageError,
} from '@auditrum/core'
import {
  auditrumOptions,
  type ContextPayload,
  checkOptions,
  checkSigning,
  sqlStateOf,
} from '@auditrum/core/adapter'
import type { Carry, CarryOptions } from './session.js'

/** What `auditrum` may be told. */
export interface CarryingOptions extends AuditrumOptions {
  /** Which statements carry the context: all that may write (the default), or all that can. */
  readonly carry?: Carry
  /** Signs every context, for a database that asks for it: see `signContexts`. */
  readonly signing?: Signing
  /**
   * Whether a timer calls `maintain()` once a day; true without it. It keeps no process alive. A role that
   * may not maintain the log is told so once, by `onError`.
   */
  readonly maintain?: boolean
  /**
   * How often a timer calls `seal()`, as `'5s'` or `'1m'`, in a log whose sealing is enabled; not at all
   * without it. It keeps no process alive, so an application that does not always run leaves it to
   * `auditrum seal --every 5s`. Several processes may do it. What keeps it from sealing is told once, by `onError`.
   */
  readonly seal?: `${number}s` | `${number}m` | false
  /** Hears of what went wrong beside the application's own work; one line per kind on stderr without it. */
  readonly onError?: (error: AuditrumError) => void
}

const ownOptions = [
  'carry',
  'signing',
  'maintain',
  'seal',
  'onError',
] satisfies (keyof CarryingOptions)[]
const FIRST_MAINTENANCE = 60_000
const DAY = 86_400_000
/** insufficient_privilege */
const DENIED = '42501'

/** Makes connections carry the context; what it returns takes that off again. */
export type Attach = (carrying: CarryOptions) => (() => void) | undefined

/**
 * An audit whose connections carry the context and that looks after its log: what all adapters over
 * node-postgres are. Each says where its statements go, and how its connections come to carry.
 */
export class CarryingAuditrum extends Auditrum {
  readonly #onError: (error: AuditrumError) => void
  readonly #detach: (() => void) | undefined
  readonly #timers = new Set<NodeJS.Timeout>()
  /** What kept the last round from sealing. */
  #unsealed: string | undefined
  #isClosed = false

  constructor(queryable: Queryable, options: CarryingOptions, attach: Attach) {
    checkOptions('auditrum', options, [...auditrumOptions, ...ownOptions])
    const {
      carry = 'writes',
      signing,
      maintain = true,
      seal = false,
      onError = oncePerKind(),
      ...rest
    } = options
    const sealing = seal === false ? undefined : pauseOf(seal)
    if (signing !== undefined) checkSigning(signing)
    if (carry !== 'writes' && carry !== 'all') {
      throw new UsageError(`carry is ${JSON.stringify(carry)}. It is 'writes' or 'all'.`)
    }
    super(queryable, rest)
    this.#onError = onError
    this.#detach = attach({ carry, signing, onPayload: reportProblems(onError) })
    if (!this.#detach && (signing || carry === 'all')) {
      throw new UsageError(
        `These connections carry the context already, for another audit or another copy of this package, so the option ${signing ? 'signing' : 'carry'} comes too late. Give it there.`,
      )
    }
    if (maintain) this.#maintainIn(FIRST_MAINTENANCE)
    if (sealing !== undefined) this.#sealIn(sealing)
  }

  /** Whether it was closed, so that the next call of `auditrum` makes another. */
  get isClosed(): boolean {
    return this.#isClosed
  }

  /** As {@link Auditrum.sync}; `onError` hears of what is pending. */
  override async sync(options?: SyncOptions): Promise<SyncResult> {
    const result = await super.sync(options)
    if (result.pending.length > 0) {
      safely(this.#onError)(
        new SchemaError(
          `Columns or partitions of ${result.pending.join(', ')} are others since the last sync, and this role may not change the log. They are recorded as declared; run sync as ${result.owner}, in the deployment, before the application starts.`,
        ),
      )
    }
    return result
  }

  /** Stops the timers, and leaves the connections as they were. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    for (const timer of this.#timers) clearTimeout(timer)
    this.#timers.clear()
    this.#detach?.()
  }

  #maintainIn(delay: number): void {
    this.#later(delay, async () => {
      try {
        await this.maintain()
      } catch (error) {
        safely(this.#onError)(asError(error, 'maintain'))
        // nothing that another day changes, and said once
        if (sqlStateOf(error) === DENIED) return
      }
      this.#maintainIn(DAY)
    })
  }

  #sealIn(pause: number): void {
    this.#later(pause, async () => {
      try {
        await this.seal()
        this.#unsealed = undefined
      } catch (error) {
        const told = asError(error, 'seal')
        // not every few seconds
        if (told.message !== this.#unsealed) safely(this.#onError)(told)
        this.#unsealed = told.message
        if (sqlStateOf(error) === DENIED) return
      }
      this.#sealIn(pause)
    })
  }

  #later(delay: number, act: () => Promise<void>): void {
    if (this.#isClosed) return
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      void act()
    }, delay).unref()
    this.#timers.add(timer)
  }
}

/**
 * Makes the function `auditrum` of an adapter: one audit for each target, until that is closed. Called
 * again it declares what `tables` adds.
 *
 * @param noun What a target is called in messages: 'pool'.
 */
export function oncePerTarget<
  Target extends object,
  Audit extends CarryingAuditrum,
  Options extends Pick<CarryingOptions, 'tables'> = CarryingOptions,
>(
  noun: string,
  make: (target: Target, options: Options) => Audit,
): (target: Target, options: Options) => Audit {
  const audits = new WeakMap<Target, Audit>()
  return (target, options) => {
    const known = audits.get(target)
    if (known && !known.isClosed) {
      const { tables = [], ...others } = options
      const [late] = Object.keys(others)
      if (late !== undefined) {
        throw new UsageError(
          `This ${noun} has its audit already, and the option "${late}" comes too late. Give it where auditrum() is called first, or close() that audit before.`,
        )
      }
      known.declare(...tables)
      return known
    }
    const audit = make(target, options)
    audits.set(target, audit)
    return audit
  }
}

function reportProblems(onError: (error: AuditrumError) => void) {
  const reported = new WeakSet<ContextPayload>()
  return (payload: ContextPayload) => {
    if (reported.has(payload)) return
    reported.add(payload)
    safely(onError)(
      new ContextError(
        `Not all of an audit context could be stored (${payload.news.join('; ')}). The write went on without it: give values that JSON can hold, in functions that do not throw.`,
      ),
    )
  }
}

/** Whatever it does, the application's own statement goes on. */
function safely(onError: (error: AuditrumError) => void): (error: AuditrumError) => void {
  return (error) => {
    try {
      onError(error)
    } catch (failure) {
      process.stderr.write(`auditrum: onError failed (${failure}) when told: ${error.message}\n`)
    }
  }
}

function oncePerKind(): (error: AuditrumError) => void {
  const seen = new Set<string>()
  return (error) => {
    if (seen.has(error.code)) return
    seen.add(error.code)
    process.stderr.write(`auditrum: ${error.message}\n`)
  }
}

function asError(error: unknown, act: keyof typeof remedies): AuditrumError {
  if (sqlStateOf(error) === DENIED) {
    return new SchemaError(
      `The role of this connection may not ${act} the log, so its timer stops here. ${remedies[act]}`,
      { cause: error },
    )
  }
  if (error instanceof AuditrumError) return error
  const message = error instanceof Error ? error.message : String(error)
  return new UsageError(
    `The timer that is to ${act} the log failed: ${message}. Look at status().`,
    { cause: error },
  )
}

const remedies = {
  maintain:
    'Turn it off (maintain: false), and run auditrum maintain daily as the admin role that harden was given, or as the owner of the log.',
  seal: 'Turn it off (seal: false), and keep auditrum seal --every 5s running as the admin role that harden was given, or as the owner of the log.',
}

const milliseconds: Readonly<Record<string, number>> = { s: 1000, m: 60_000 }

/** The time between two rounds of sealing. */
function pauseOf(seal: string): number {
  const [, number, unit = ''] = /^([1-9]\d{0,4})([sm])$/.exec(seal) ?? []
  if (number === undefined) {
    throw new UsageError(`seal is ${JSON.stringify(seal)}. It is a time as '5s' or '1m', or false.`)
  }
  return Number(number) * (milliseconds[unit] ?? 0)
}

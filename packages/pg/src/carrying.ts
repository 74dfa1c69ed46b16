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
  /** Hears of what went wrong beside the application's own work; one line per kind on stderr without it. */
  readonly onError?: (error: AuditrumError) => void
}

const ownOptions = ['carry', 'signing', 'maintain', 'onError'] satisfies (keyof CarryingOptions)[]
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
  #timer: NodeJS.Timeout | undefined
  #isClosed = false

  constructor(queryable: Queryable, options: CarryingOptions, attach: Attach) {
    checkOptions('auditrum', options, [...auditrumOptions, ...ownOptions])
    const { carry = 'writes', signing, maintain = true, onError = oncePerKind(), ...rest } = options
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
    if (maintain) this.#schedule(FIRST_MAINTENANCE)
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

  /** Stops the timer, and leaves the connections as they were. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    clearTimeout(this.#timer)
    this.#detach?.()
  }

  #schedule(delay: number): void {
    this.#timer = setTimeout(async () => {
      try {
        await this.maintain()
      } catch (error) {
        safely(this.#onError)(asError(error))
        // nothing that another day changes, and said once
        if (sqlStateOf(error) === DENIED) return
      }
      if (!this.#isClosed) this.#schedule(DAY)
    }, delay).unref()
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

function asError(error: unknown): AuditrumError {
  if (sqlStateOf(error) === DENIED) {
    return new SchemaError(
      'The role of this connection may not maintain the log, so its timer stops here. Turn it off (maintain: false), and run auditrum maintain daily as the admin role that harden was given, or as the owner of the log.',
      { cause: error },
    )
  }
  if (error instanceof AuditrumError) return error
  const message = error instanceof Error ? error.message : String(error)
  return new UsageError(`The log's daily maintenance failed: ${message}. Look at status().`, {
    cause: error,
  })
}

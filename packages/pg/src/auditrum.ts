import {
  Auditrum,
  AuditrumError,
  type AuditrumOptions,
  auditrumOptions,
  ContextError,
  type ContextPayload,
  checkOptions,
  type Signing,
  UsageError,
} from '@auditrum/core'
import type pg from 'pg'
import { wrapClient } from './client.js'
import { type Client, isPool } from './driver.js'
import { wrapPool } from './pool.js'
import type { Carry, CarryOptions } from './session.js'

/** What {@link auditrum} may be told. */
export interface PgOptions extends AuditrumOptions {
  /** Which statements carry the context: all that may write (the default), or all that can. */
  readonly carry?: Carry
  /** Signs every context, for a database that asks for it: see `signContexts`. */
  readonly signing?: Signing
  /** Whether a timer calls `maintain()` once a day; true without it. It keeps no process alive. */
  readonly maintain?: boolean
  /** Hears of what went wrong beside the application's own work; one line per kind on stderr without it. */
  readonly onError?: (error: AuditrumError) => void
}

const pgOptions = ['carry', 'signing', 'maintain', 'onError'] satisfies (keyof PgOptions)[]
const audits = new WeakMap<object, PgAuditrum>()
const FIRST_MAINTENANCE = 60_000
const DAY = 86_400_000

/**
 * The audit of a database over node-postgres: from now on every write of this pool or client carries
 * the context of the code that asks for it, at no extra round trip. Called again with the same pool
 * it returns the same audit, and declares what `tables` adds.
 *
 * @throws UsageError for a client of pg-native, and for other options when the pool has its audit.
 * @example
 * ```ts
 * const audit = auditrum(pool, { tables: [track('orders')] })
 * await audit.sync()
 * await withContext({ user_id: 7 }, () => pool.query('delete from orders where id = $1', [42]))
 * ```
 */
export function auditrum(target: pg.Pool | pg.ClientBase, options: PgOptions = {}): PgAuditrum {
  const known = audits.get(target)
  if (known) {
    const { tables = [], ...others } = options
    const [late] = Object.keys(others)
    if (late !== undefined) {
      throw new UsageError(
        `This pool has its audit already, and the option "${late}" comes too late. Give it where auditrum() is called first, or close() that audit before.`,
      )
    }
    known.declare(...tables)
    return known
  }
  const audit = new PgAuditrum(target, options)
  audits.set(target, audit)
  return audit
}

/** {@link Auditrum} over node-postgres; {@link auditrum} makes it. */
export class PgAuditrum extends Auditrum {
  readonly #target: pg.Pool | pg.ClientBase
  readonly #onError: (error: AuditrumError) => void
  readonly #unwrap: (() => void) | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(target: pg.Pool | pg.ClientBase, options: PgOptions = {}) {
    checkOptions('auditrum', options, [...auditrumOptions, ...pgOptions])
    const { carry = 'writes', signing, maintain = true, onError = oncePerKind(), ...rest } = options
    if (signing !== undefined && typeof signing?.key !== 'string') {
      throw new UsageError(
        'signing has no key. Give { key }, the text that signContexts was given.',
      )
    }
    if (carry !== 'writes' && carry !== 'all') {
      throw new UsageError(`carry is ${JSON.stringify(carry)}. It is 'writes' or 'all'.`)
    }
    super(target, rest)
    this.#target = target
    this.#onError = onError
    const carrying: CarryOptions = { carry, signing, onPayload: reportProblems(onError) }
    this.#unwrap = isPool(target)
      ? wrapPool(target, carrying)
      : wrapClient(target as unknown as Client, carrying)
    if (maintain) this.#schedule(FIRST_MAINTENANCE)
  }

  /** Stops the timer, and leaves the pool or client as it was. */
  close(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#unwrap?.()
    audits.delete(this.#target)
  }

  #schedule(delay: number): void {
    this.#timer = setTimeout(async () => {
      try {
        await this.maintain()
      } catch (error) {
        this.#onError(asError(error))
      }
      if (this.#timer) this.#schedule(DAY)
    }, delay).unref()
  }
}

function reportProblems(onError: (error: AuditrumError) => void) {
  const reported = new WeakSet<ContextPayload>()
  return (payload: ContextPayload) => {
    if (reported.has(payload)) return
    reported.add(payload)
    onError(
      new ContextError(
        `Not all of an audit context could be stored (${payload.news.join('; ')}). The write went on without it: give values that JSON can hold, in functions that do not throw.`,
      ),
    )
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
  if (error instanceof AuditrumError) return error
  const message = error instanceof Error ? error.message : String(error)
  return new UsageError(`The log's daily maintenance failed: ${message}. Look at status().`, {
    cause: error,
  })
}

import type { Signing } from '@auditrum/core'
import {
  type ContextPayload,
  payloadOf,
  type StoredContext,
  signPayload,
} from '@auditrum/core/adapter'
import type { Command } from './commands/commands.js'
import type { CommandKind } from './commands/kind.js'
import type { Client } from './driver.js'
import { Setting } from './setting.js'

/** How the context is carried. */
export interface CarryOptions {
  readonly carry: Carry
  readonly signing: Signing | undefined
  /** Hears of what could not be stored. */
  readonly onPayload: (payload: ContextPayload) => void
}

/** Who asks for a statement. */
export interface Caller {
  readonly context: StoredContext | undefined
  /** Runs what asks the context's functions as the caller would, with all that it finds around it. */
  ask<Result>(question: () => Result): Result
}

/** Which commands carry the context: all that may write, or all that can. */
export type Carry = 'writes' | 'all'

const writing: ReadonlySet<CommandKind> = new Set(['write', 'call', 'copy in', 'copy out, writing'])
/** Of all connections: what was done up to a COMMIT, and undone, is not to be done twice again. */
const bare = new Set<string>()
const MOST_BARE = 1_000

/** What may take the setting back, or begin a transaction that has none. */
const resetting: ReadonlySet<CommandKind> = new Set([
  'begin',
  'end',
  'end and begin',
  'rollback to',
  'session',
  'call',
])
const reading: ReadonlySet<CommandKind> = new Set(['read', 'copy out'])

/**
 * What is known of a connection's transaction, and of the context that was sent in it. The setting
 * is local to the transaction, so outside of one nothing is ever set.
 */
export class Session {
  /** As ReadyForQuery says: idle, in a transaction, in a failed one. In a pipeline, as predicted. */
  #status: 'I' | 'T' | 'E' = 'I'
  /** Last sent in this transaction; null where it may have been taken back since, undefined: never. */
  #sent: string | null | undefined
  /** Whether what is in flight sets it, perhaps in a transaction that it begins itself. */
  #isSetting = false
  #inFlight = 0
  readonly #carry: Carry
  readonly #onPayload: (payload: ContextPayload) => void
  readonly #signing: Signing | undefined
  readonly setting: Setting
  readonly #client: Client

  constructor(client: Client, { carry, onPayload, signing }: CarryOptions) {
    this.#client = client
    this.setting = new Setting(client)
    const status = client.getTransactionStatus?.()
    // wrapped in the middle of a transaction, perhaps of one in which an earlier wrapping has set it
    if (status === 'T' || status === 'E') {
      this.#status = status
      this.#sent = null
    }
    this.#carry = carry
    this.#signing = signing
    this.#onPayload = onPayload
  }

  /** Whether several statements are sent before the first is answered. */
  get isPipeline(): boolean {
    return Boolean(this.#client.pipeline)
  }

  /** Whether a text is known to fail with a context: a procedure that commits, from 18 on. */
  isBare(text: string | undefined): boolean {
    return text !== undefined && bare.has(text)
  }

  /** Sends a text without a context from now on. */
  sendBare(text: string | undefined): void {
    if (text !== undefined && bare.size < MOST_BARE) bare.add(text)
  }

  get autocommits(): boolean {
    return this.#status === 'I'
  }

  /**
   * Whether a command carries the context. What looks like a read may write all the same, through a
   * view say: it carries none then, but it must not have that of an ended block either. So from the
   * first setting of a transaction on, reads keep it up to date as well.
   */
  carries({ kind }: Command): boolean {
    const reads = this.#carry === 'all' || this.#sent !== undefined
    return writing.has(kind) || (reads && reading.has(kind))
  }

  /** Whether this transaction may have a context set. */
  get isSet(): boolean {
    return this.#sent !== undefined && this.#sent !== ''
  }

  /** Whether commands of this transaction fail, whatever they are, until one ends or undoes it. */
  get hasFailed(): boolean {
    return this.#status === 'E'
  }

  /**
   * What must be sent before a command that carries: the value of the setting, or nothing because
   * it is set already, or there is none.
   *
   * @param caller where it was asked for: the functions of its context are asked there.
   * @param commands of the same text. One of them may take back what was set before, and let a
   *   failed transaction go on.
   */
  due({ context, ask }: Caller, commands: readonly Command[]): string | undefined {
    const isReset = commands.length > 1 && commands.some(({ kind }) => resetting.has(kind))
    if (this.#status === 'E' && !isReset) return undefined
    const isFirst = this.#status === 'I' || this.#sent === undefined
    let text = ''
    if (context) {
      const payload = ask(() => payloadOf(context, isFirst || isReset))
      if (payload.news.length > 0) this.#onPayload(payload)
      text = this.#signing ? signPayload(payload, this.#signing) : payload.text
    } else if (isFirst) return undefined
    return text === this.#sent && !isReset ? undefined : text
  }

  /**
   * Whether a COMMIT carries the context of who commits, because deferred triggers fire in it: not where
   * it is outside of any, which must not take the last one away from them.
   */
  carriesAtEnd([command, ...others]: readonly Command[], { context }: Caller): boolean {
    return others.length === 0 && command?.kind === 'end' && context !== undefined && this.isSet
  }

  /** Commands are on their way, and with them, or among them, the setting. */
  submitted(commands: readonly Command[], setting: string | undefined): void {
    this.#inFlight++
    if (setting !== undefined && this.#status === 'T') this.#sent = setting
    for (const { kind } of commands) this.#pass(kind)
    if (setting === undefined) return
    this.#isSetting = true
    // among them may be a BEGIN in front of it
    if (commands.length > 1 && this.#status === 'T') this.#sent = null
  }

  /** The server has answered all commands up to a Sync. */
  ready(status: string): void {
    this.#inFlight = Math.max(0, this.#inFlight - 1)
    if (this.#inFlight > 0) return
    this.#status = status === 'T' || status === 'E' ? status : 'I'
    if (this.#status === 'I') this.#sent = undefined
    else if (this.#isSetting) this.#sent ??= null
    if (this.#status === 'E') this.#doubt()
    this.#isSetting = false
  }

  #pass(kind: CommandKind): void {
    if (kind === 'begin') {
      this.#status = 'T'
    } else if (kind === 'end') {
      this.#status = 'I'
      this.#sent = undefined
    } else if (kind === 'end and begin') {
      this.#status = 'T'
      this.#sent = undefined
    } else if (kind === 'rollback to') {
      if (this.#status === 'E') this.#status = 'T'
      this.#doubt()
    } else if (kind === 'session' || kind === 'call') {
      this.#doubt()
    }
  }

  /** ROLLBACK TO, RESET and procedures can take the setting back. Sending it again costs little. */
  #doubt(): void {
    if (this.#sent !== undefined) this.#sent = null
  }
}

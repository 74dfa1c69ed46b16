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

/** Which commands carry the context: all that may write, or all that can. */
export type Carry = 'writes' | 'all'

const writing: ReadonlySet<CommandKind> = new Set(['write', 'call', 'copy in', 'copy out, writing'])
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
  #inFlight = 0
  readonly #carry: Carry
  readonly #onPayload: (payload: ContextPayload) => void
  readonly #signing: Signing | undefined
  readonly setting: Setting

  constructor(client: Client, { carry, onPayload, signing }: CarryOptions) {
    this.setting = new Setting(client)
    this.#carry = carry
    this.#signing = signing
    this.#onPayload = onPayload
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

  /**
   * What must be sent before a command that carries: the value of the setting, or nothing because
   * it is set already, or there is none.
   */
  due(context: StoredContext | undefined): string | undefined {
    if (this.#status === 'E') return undefined
    const isFirst = this.#status === 'I' || this.#sent === undefined
    let text = ''
    if (context) {
      const payload = payloadOf(context, isFirst)
      if (payload.news.length > 0) this.#onPayload(payload)
      text = this.#signing ? signPayload(payload, this.#signing) : payload.text
    } else if (isFirst) return undefined
    return text === this.#sent ? undefined : text
  }

  /** Commands are on their way, and with them, or among them, the setting. */
  submitted(commands: readonly Command[], setting: string | undefined): void {
    this.#inFlight++
    if (setting !== undefined && this.#status === 'T') this.#sent = setting
    for (const { kind } of commands) this.#pass(kind)
    // among them may be a BEGIN in front of it
    if (setting !== undefined && commands.length > 1 && this.#status === 'T') this.#sent = null
  }

  /** The server has answered all commands up to a Sync. */
  ready(status: string): void {
    this.#inFlight = Math.max(0, this.#inFlight - 1)
    if (this.#inFlight > 0) return
    this.#status = status === 'T' || status === 'E' ? status : 'I'
    if (this.#status === 'I') this.#sent = undefined
    if (this.#status === 'E') this.#doubt()
  }

  #pass(kind: CommandKind): void {
    if (kind === 'begin') {
      this.#status = 'T'
    } else if (kind === 'end') {
      this.#status = 'I'
      this.#sent = undefined
    } else if (kind === 'rollback to' || kind === 'session' || kind === 'call') {
      this.#doubt()
    }
  }

  /** ROLLBACK TO, RESET and procedures can take the setting back. Sending it again costs little. */
  #doubt(): void {
    if (this.#sent !== undefined) this.#sent = null
  }
}

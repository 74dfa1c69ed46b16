import type { Client, Connection } from './driver.js'

/** The setting that the capture functions read. */
const SET = setting('$1')
const ABOUT_SERVER = [
  'pg_catalog.pg_backend_pid()',
  ...['server_version_num', 'standard_conforming_strings'].map(
    (name) => `pg_catalog.current_setting('${name}')`,
  ),
].join(', ')
/** How often a client was wrapped: what an earlier one has prepared, this one does not know of. */
const wrappings = Symbol.for('auditrum.pg.wrappings.1')

/**
 * Sends the setting on one connection without a Sync, so that it shares the implicit transaction, and
 * the round trip, of what follows.
 *
 * On a direct connection the statement is prepared once, which leaves the server next to nothing to
 * do. Behind a pooler the next transaction may be on a connection that does not know it; so the first
 * time it asks for the server process, which a pooler does not give away as its own, and for what
 * else must be known of the server. A prepared statement can be deallocated where no text shows it;
 * so it is used only where a query that fails on that can be sent again.
 */
export class Setting {
  #isPrepared: 'unknown' | 'not yet' | 'yes' | 'never' = 'unknown'
  readonly #client: Client
  readonly #name: string
  /** `server_version_num`; 0 until the first answer. */
  #version = 0
  /** Whether '…' has no backslash escapes; undefined while nobody has said. */
  standardConformingStrings: boolean | undefined

  constructor(client: Client) {
    this.#client = client
    const counted = client as { [wrappings]?: number }
    const count = (counted[wrappings] ?? 0) + 1
    counted[wrappings] = count
    this.#name = count === 1 ? 'auditrum.context' : `auditrum.context ${count}`
  }

  /**
   * Whether a procedure that shares its transaction with the setting fails at its first COMMIT. Before
   * 18 it commits, and goes on without the context.
   */
  get forbidsCommit(): boolean {
    return this.#version >= 180_000
  }

  /**
   * @param again whether what follows can be sent again where the prepared statement has gone.
   * @returns hears what the server answers, behind a ParseComplete and before all else.
   */
  send(connection: Connection, value: string, again: boolean): Answer {
    const sent = again || this.#isPrepared === 'unknown' ? this.#isPrepared : 'never'
    const isNamed = sent === 'not yet' || sent === 'yes'
    if (sent !== 'yes') {
      const text = `select ${sent === 'unknown' ? ABOUT_SERVER : ''} ${SET}`
      connection.parse(isNamed ? { text, name: this.#name } : { text })
    }
    connection.bind(isNamed ? { statement: this.#name, values: [value] } : { values: [value] })
    connection.execute()
    return {
      row: ({ fields }) => {
        if (sent === 'unknown') this.#learn((fields ?? []).map(String))
      },
      complete: () => {
        if (sent === 'not yet' && this.#isPrepared === 'not yet') this.#isPrepared = 'yes'
      },
      failed: () => {
        // whether it is prepared now, nobody knows
        if (isNamed) this.#isPrepared = 'never'
      },
    }
  }

  #learn([process, version, conforming]: readonly string[]): void {
    this.#version = Number(version)
    this.standardConformingStrings = conforming !== 'off'
    if (this.#isPrepared !== 'unknown') return
    // a pipeline would prepare it again before it knows of the first time
    const isDirect = Number(process) === this.#client.processID && !this.#client.pipeline
    this.#isPrepared = isDirect ? 'not yet' : 'never'
  }

  /** Commands like DEALLOCATE ALL and DISCARD ALL take the prepared statement away. */
  passes(text: string): void {
    if (/\b(deallocate|discard)\b/i.test(text)) this.#isPrepared = 'never'
  }
}

/** Hears the answers to the setting in the place of the query behind it. */
export interface Answer {
  row(message: { readonly fields?: readonly unknown[] }): void
  complete(): void
  failed(): void
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
  return `select ${setting(literal)};`
}

/** FROM, so that the value is not sent back. */
function setting(value: string): string {
  return `from pg_catalog.set_config('auditrum.context', ${value}, true)`
}

/** Puts back what a property was, unless somebody has put something else on top of ours since. */
export function restoreProperty(
  target: object,
  name: string,
  ours: unknown,
  before: PropertyDescriptor | undefined,
): void {
  if (Object.getOwnPropertyDescriptor(target, name)?.value !== ours) return
  if (before) Object.defineProperty(target, name, before)
  else Reflect.deleteProperty(target, name)
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

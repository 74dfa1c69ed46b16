import type { Client, Connection } from './driver.js'

/** The setting that the capture functions read. FROM, so that the value is not sent back. */
const SET = "from pg_catalog.set_config('auditrum.context', $1, true)"
const NAME = 'auditrum.context'
const ABOUT_SERVER = "pg_catalog.pg_backend_pid(), pg_catalog.current_setting('server_version_num')"

/**
 * Sends the setting on one connection without a Sync, so that it shares the implicit transaction, and
 * the round trip, of what follows.
 *
 * On a direct connection the statement is prepared once, which leaves the server next to nothing to
 * do. Behind a pooler the next transaction may be on a connection that does not know it; so the first
 * time it asks for the server process, which a pooler does not give away as its own, and for the
 * server's version.
 */
export class Setting {
  #isPrepared: 'unknown' | 'not yet' | 'yes' | 'never' = 'unknown'
  readonly #client: Client
  /** `server_version_num`; 0 until the first answer. */
  #version = 0

  constructor(client: Client) {
    this.#client = client
  }

  /**
   * Whether a procedure that shares its transaction with the setting fails at its first COMMIT. Before
   * 18 it commits, and goes on without the context.
   */
  get forbidsCommit(): boolean {
    return this.#version >= 180_000
  }

  send(connection: Connection, value: string): void {
    if (this.#isPrepared === 'unknown') {
      connection.parse({ text: `select ${ABOUT_SERVER} ${SET}` })
    } else if (this.#isPrepared === 'not yet') {
      connection.parse({ text: `select ${SET}`, name: NAME })
    } else if (this.#isPrepared === 'never') {
      connection.parse({ text: `select ${SET}` })
    }
    const isNamed = this.#isPrepared === 'not yet' || this.#isPrepared === 'yes'
    connection.bind(isNamed ? { statement: NAME, values: [value] } : { values: [value] })
    connection.execute()
  }

  /** What the server answers to {@link send}, behind a ParseComplete and before all else. */
  answer(): Answer {
    const sent = this.#isPrepared
    return {
      row: ({ fields }) => {
        if (sent !== 'unknown') return
        const [process, version] = (fields ?? []).map((field) => Number(String(field)))
        // a pipeline would prepare it again before it knows of the first time
        const isDirect = process === this.#client.processID && !this.#client.pipeline
        this.#isPrepared = isDirect ? 'not yet' : 'never'
        this.#version = version ?? 0
      },
      complete: () => {
        if (sent === 'not yet') this.#isPrepared = 'yes'
      },
      failed: () => {
        // whether it is prepared now, nobody knows
        if (sent !== 'unknown') this.#isPrepared = 'never'
      },
    }
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
  return `select ${SET.replace('$1', literal)};`
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

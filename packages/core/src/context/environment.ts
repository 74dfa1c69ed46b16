import { UsageError } from '../errors.js'
import { isPlainObject } from '../options.js'
import { type ContextMetadata, withContext } from './context.js'
import { payloadOf } from './payload.js'
import { type Signing, signPayload } from './sign.js'
import { runInContext, type StoredContext, storedContext } from './store.js'

/**
 * What PostgreSQL takes in `options` when a connection starts: 12 KB kill it, so the limit is well
 * below its 10,000 bytes for the whole start-up packet.
 */
const LIMIT = 8_192

/**
 * The environment in which a libpq or pg program (psql, pg_restore, a script) carries a context, on a
 * direct connection: `PGOPTIONS` with the setting, behind what it holds already. A pooler such as
 * PgBouncer may refuse `options`.
 *
 * @param metadata as in {@link withContext}; inherits from the context of the running code, or else
 *   from the one that `environment` carries.
 * @param environment the one to add to.
 * @param signing where the database asks for signatures: the context is then valid for its `ttl`.
 * @throws UsageError when the context would make the options longer than 8,192 bytes, or cannot be
 *   stored whole.
 * @example
 * ```ts
 * spawn('psql', ['-f', 'fix.sql'], { env: contextEnvironment({ change_reason: 'ticket 881' }) })
 * ```
 */
export function contextEnvironment(
  metadata: ContextMetadata,
  environment: NodeJS.ProcessEnv = process.env,
  signing?: Signing,
): NodeJS.ProcessEnv {
  const [carried, others] = takeContext(environment.PGOPTIONS ?? '')
  const context = runInContext(storedContext() ?? carried, () =>
    withContext(metadata, storedContext),
  )
  if (!context) throw new Error('unreachable')
  const payload = payloadOf(context, true)
  const { problems } = payload
  const text = signing ? signPayload(payload, signing) : payload.text
  if (problems.length > 0) {
    throw new UsageError(`The context cannot be stored whole (${problems.join('; ')}). Mend it.`)
  }
  const options = `${others}-c ${escaped(`${SETTING}=${text}`)}`
  if (Buffer.byteLength(options) > LIMIT) {
    throw new UsageError(
      `PGOPTIONS would have ${Buffer.byteLength(options)} bytes, and a connection starts with at most ${LIMIT}. Give a shorter context.`,
    )
  }
  return { ...environment, PGOPTIONS: options }
}

const SETTING = 'auditrum.context'
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** The context that options carry, and the other options as they stand, ready for one more. */
function takeContext(options: string): [context: StoredContext | undefined, others: string] {
  let context: StoredContext | undefined
  // PostgreSQL splits options at whitespace; a backslash keeps the next character (pg_split_opts)
  const others = options.replace(
    /(?:-c\s*|--)auditrum\.context=((?:\\.|[^\s\\])*)\s*/gs,
    (_, text) => {
      context = contextOf(text.replaceAll(/\\(.)/gs, '$1'))
      return ''
    },
  )
  return [context, others === '' || /\s$/.test(others) ? others : `${others} `]
}

/** A context from what was sent of it, signed or not; undefined where it is of no kind that is known. */
function contextOf(payload: string): StoredContext | undefined {
  try {
    const { v, id, root, metadata } = JSON.parse(payload.slice(payload.indexOf('{')))
    if (v !== 1 || ![id, root].every((each) => UUID.test(each)) || !isPlainObject(metadata)) {
      return undefined
    }
    return { version: 1, id, rootId: root, parent: undefined, own: { ...metadata }, revision: 0 }
  } catch {
    return undefined
  }
}

function escaped(option: string): string {
  return option.replaceAll(/[\\\s]/g, '\\$&')
}

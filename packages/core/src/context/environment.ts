import { UsageError } from '../errors.js'
import { SETTING, takeContext } from './carried.js'
import { type ContextMetadata, withContext } from './context.js'
import { payloadOf } from './payload.js'
import { type Signing, signPayload } from './sign.js'
import { runInContext, storedContext } from './store.js'

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

function escaped(option: string): string {
  return option.replaceAll(/[\\\s]/g, '\\$&')
}

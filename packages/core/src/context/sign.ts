import { createHmac } from 'node:crypto'
import { UsageError } from '../errors.js'
import { show } from '../options.js'
import type { ContextPayload } from './payload.js'

/** How contexts are signed. */
export interface Signing {
  /** The key that `signContexts` was given. */
  readonly key: string
  /**
   * For how long a signature is valid, in seconds: whoever has overheard one can use it that long.
   *
   * @defaultValue 300
   */
  readonly ttl?: number | undefined
}

/** Refuses what the database would refuse, or what would refuse every write's actor. */
export function checkSigning(signing: Signing): void {
  const { key, ttl = 300 }: { key?: unknown; ttl?: unknown } = Object(signing)
  if (typeof key !== 'string' || Buffer.byteLength(key) < 32) {
    // the key is not shown
    throw new UsageError(
      'signing has no key of at least 32 bytes. Give { key }, the text that signContexts was given.',
    )
  }
  if (typeof ttl !== 'number' || !(ttl > 0 && ttl <= 86_400)) {
    throw new UsageError(
      `signing has the ttl ${show(ttl)}. Give the seconds for which a signature is valid, up to a day.`,
    )
  }
}

const signed = new WeakMap<ContextPayload, { readonly text: string; readonly until: number }>()

/**
 * A context with its signature, as `signed_context` in the database reads it: HMAC-SHA256 (RFC 2104)
 * over the time when it expires and the JSON. Used again for half of its time.
 *
 * @param now milliseconds since 1970.
 */
export function signPayload(
  payload: ContextPayload,
  { key, ttl = 300 }: Signing,
  now = Date.now(),
): string {
  const known = signed.get(payload)
  if (known && known.until > now) return known.text
  const expires = Math.ceil(now / 1000 + ttl)
  const mac = createHmac('sha256', key).update(`${expires} ${payload.text}`).digest('hex')
  const text = `s1 ${expires} ${mac} ${payload.text}`
  signed.set(payload, { text, until: now + ttl * 500 })
  return text
}

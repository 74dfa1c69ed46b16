import { UsageError } from '../errors.js'
import { isPlainObject, show } from '../options.js'
import { UUID } from '../read/filter.js'
import { isId } from '../read/moment.js'

/** What is to be undone, by an id as events carry it. */
export type RevertTarget =
  | { readonly event: string | number | bigint }
  | { readonly transaction: string | number | bigint }
  /** Everything that one request or job did, in all its transactions: the uuid of the outermost context. */
  | { readonly root: string }
  /** The same by the request id in the metadata: only where one root has it. */
  | { readonly request: string }

const kinds: Readonly<Record<string, (id: unknown) => boolean>> = {
  event: isId,
  transaction: isId,
  root: (id) => typeof id === 'string' && UUID.test(id),
  request: (id) => typeof id === 'string' && id !== '',
}

/** The target as values of sql/undo/undo.sql, and as the reason of the undo. */
export function targetOf(target: RevertTarget): {
  readonly values: readonly (string | null)[]
  readonly reason: string
} {
  const [[kind = '', id] = [], ...others] = isPlainObject(target) ? Object.entries(target) : []
  if (others.length > 0 || !Object.hasOwn(kinds, kind) || !kinds[kind]?.(id)) {
    throw new UsageError(
      `revert was given ${show(target)}. Give one of { event: id }, { transaction: id }, { root: uuid } and { request: id }, with an id as events carry it.`,
    )
  }
  const text = kind === 'root' ? String(id).toLowerCase() : String(id)
  return {
    values: Object.keys(kinds).map((name) => (name === kind ? text : null)),
    reason: `revert of ${kind} ${text}`,
  }
}

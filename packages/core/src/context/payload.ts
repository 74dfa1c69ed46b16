import { randomUUID } from 'node:crypto'
import { ask, metadataOf, type Problem, storable, type Unanswered } from './metadata.js'
import type { StoredContext } from './store.js'

/** A context as it is sent to PostgreSQL. */
export interface ContextPayload {
  /**
   * The value of the setting `auditrum.context`: `{"v": 1, "id", "root", "metadata"}`, with `"error"`
   * where something could not be had or stored.
   */
  readonly text: string
  readonly problems: readonly Problem[]
  /** Those that nobody has been told of: a function that fails all through a request does so once. */
  readonly news: readonly Problem[]
}

/** What `write_context` accepts, in bytes, less room for what is around the metadata: ids, an error, a signature. */
const METADATA_LIMIT = 65_536 - 4_096

interface Sent extends ContextPayload {
  readonly revision: number
  readonly metadata: string
}

const sent = new WeakMap<StoredContext, Sent>()
const failed = new WeakMap<StoredContext, Set<string>>()

/**
 * A context as it is to be sent. Its id stays while its metadata does; when that has changed, it is
 * another context with the same root.
 *
 * @param first whether it is for the first write of a transaction: then functions are asked.
 */
export function payloadOf(context: StoredContext, first: boolean): ContextPayload {
  const unanswered = first ? ask(context) : []
  const last = sent.get(context)
  const revision = revisionOf(context)
  if (last && last.revision === revision && unanswered.length === 0) return last

  const { json, problems: unstorable } = storable(metadataOf(context), METADATA_LIMIT)
  const problems = [...unanswered.map(({ problem }) => problem), ...unstorable]
  const error = problems.join('; ').slice(0, 500)
  const members = [
    `"root":"${context.rootId}"`,
    `"metadata":${json}`,
    ...(error === '' ? [] : [`"error":${storable({ error }, 4_096).json.slice(9, -1)}`]),
  ].join(',')
  if (last?.metadata === members) return last
  const id = last ? randomUUID() : context.id
  const news = [...unanswered.filter(isNew).map(({ problem }) => problem), ...unstorable]
  const text = `{"v":1,"id":"${id}",${members}}`
  const payload = { revision, metadata: members, problems, news, text }
  sent.set(context, payload)
  return payload
}

function isNew({ context, name }: Unanswered): boolean {
  const names = failed.get(context) ?? new Set()
  if (names.has(name)) return false
  failed.set(context, names.add(name))
  return true
}

/** Grows with every change of a context or of one around it. */
function revisionOf(context: StoredContext): number {
  return context.revision + (context.parent ? revisionOf(context.parent) : 0)
}

import { randomUUID } from 'node:crypto'
import { ask, metadataOf, type Problem, storable } from './metadata.js'
import type { StoredContext } from './store.js'

/** A context as it is sent to PostgreSQL. */
export interface ContextPayload {
  /**
   * The value of the setting `auditrum.context`: `{"v": 1, "id", "root", "metadata"}`, with `"error"`
   * where something could not be had or stored.
   */
  readonly text: string
  readonly problems: readonly Problem[]
}

/** What `write_context` accepts, in bytes, less room for what is around the metadata: ids, an error, a signature. */
const METADATA_LIMIT = 65_536 - 4_096

interface Sent extends ContextPayload {
  readonly revision: number
  readonly metadata: string
}

const sent = new WeakMap<StoredContext, Sent>()

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
  const problems = [...unanswered, ...unstorable]
  const error = problems.join('; ').slice(0, 500)
  const members = [
    `"root":"${context.rootId}"`,
    `"metadata":${json}`,
    ...(error === '' ? [] : [`"error":${storable({ error }, 4_096).json.slice(9, -1)}`]),
  ].join(',')
  if (last?.metadata === members) return last
  const id = last ? randomUUID() : context.id
  const payload = { revision, metadata: members, problems, text: `{"v":1,"id":"${id}",${members}}` }
  sent.set(context, payload)
  return payload
}

/** Grows with every change of a context or of one around it. */
function revisionOf(context: StoredContext): number {
  return context.revision + (context.parent ? revisionOf(context.parent) : 0)
}

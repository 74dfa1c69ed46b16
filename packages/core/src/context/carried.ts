import { isPlainObject } from '../options.js'
import { type StoredContext, valuesOf } from './store.js'

export const SETTING = 'auditrum.context'
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** The context that options carry, and the other options as they stand, ready for one more. */
export function takeContext(options: string): [context: StoredContext | undefined, others: string] {
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
    return { version: 1, id, rootId: root, parent: undefined, own: valuesOf(metadata), revision: 0 }
  } catch {
    return undefined
  }
}

let known: { readonly options: string; readonly context: StoredContext | undefined } | undefined

/**
 * The context that this process was started with, as by `auditrum run`: each time another copy, because
 * what one block amends there is not for the next.
 */
export function startedContext(): StoredContext | undefined {
  const { PGOPTIONS = '' } = process.env
  if (known?.options !== PGOPTIONS) {
    known = {
      options: PGOPTIONS,
      context: PGOPTIONS === '' ? undefined : takeContext(PGOPTIONS)[0],
    }
  }
  const { context } = known
  return context && { ...context, own: valuesOf(context.own) }
}

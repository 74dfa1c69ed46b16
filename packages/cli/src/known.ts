import type { Auditrum, PastDetails, RowId } from '@auditrum/core'
import { exit, exitCodeOf } from './failure.js'
import { time } from './people.js'
import type { Terminal } from './terminal.js'

/** Says what the log does not know of an answer about the past. */
export function tellKnown(terminal: Terminal, { complete, since, approximate }: PastDetails): void {
  if (!complete) {
    terminal.warn(
      since === null
        ? 'Not all of this is known: the log does not have every change of this table, or values were erased since. See auditrum status, and the view erasures.'
        : `Not all of this is known: the log has every change only since ${time(since)}, but for what was erased.`,
    )
  }
  if (approximate.length > 0) {
    terminal.warn(
      `Missing, or of another time: ${approximate.join(', ')}. Their changes are not recorded, or were erased since.`,
    )
  }
}

/** Says that a row was not found, and that it may be one whose key was erased. */
export function tellKeysErased(terminal: Terminal, notFound: string, until: string): void {
  terminal.warn(
    `${notFound} Keys of rows of this table were erased up to ${time(until)}, and it may have been one of them: see the view erasures.`,
  )
}

/** Up to when keys of rows of this table were erased, where it has no such row; undefined where none were, or it is not known. */
export async function keysErasedUntil(
  audit: Auditrum,
  table: string,
  id: RowId,
): Promise<string | undefined> {
  try {
    // before any log: whenever keys were erased is behind it
    const past = await audit.rowAsOf(table, id, new Date(0), { details: true })
    return past.keysErasedUntil
  } catch (error) {
    // who may read the log need not be one who may read the table; what was asked has its answer
    if (exitCodeOf(error) === exit.bug) throw error
    return undefined
  }
}

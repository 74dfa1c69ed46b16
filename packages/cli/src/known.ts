import type { PastDetails } from '@auditrum/core'
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

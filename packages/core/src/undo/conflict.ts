import { ConflictError, type RevertConflict } from '../errors.js'
import { show } from '../options.js'
import type { Reversal, RevertOmission } from './reversal.js'

/** As many as people read; all are in `conflicts`. */
const SHOWN = 3

/** The error of an undo that was refused, with what was in its way. */
export function conflicting({ conflicts, omitted }: Reversal): ConflictError {
  const problems = [
    ...conflicts.map(inWords),
    ...omitted.filter(({ why }) => why === 'refused' || why === 'doubt').map(refusal),
  ]
  const more = problems.length > SHOWN ? `; and ${problems.length - SHOWN} more` : ''
  const advice =
    conflicts.length > 0
      ? "Look at conflicts, and choose onConflict: 'skip' to leave these rows as they are, or 'force' to overwrite them"
      : "onConflict: 'skip' undoes the rest"
  return new ConflictError(
    `Nothing was undone: ${problems.slice(0, SHOWN).join('; ')}${more}. ${advice}.`,
    { conflicts },
  )
}

function inWords(conflict: RevertConflict): string {
  const { column, expected, present, referrer, changedBy } = conflict
  const by = changedBy ? `, by event ${changedBy.eventId}${user(changedBy.userId)}` : ''
  if (referrer !== null) return `${row(conflict)} is referred to by ${referrer}`
  if (column !== null) {
    return `${row(conflict)}: ${column} is ${show(present)}, not ${show(expected)}${by}`
  }
  return `${row(conflict)} ${present === null ? 'is not there any more' : 'is there again'}${by}`
}

function refusal(omission: RevertOmission): string {
  return `${row(omission)}: ${omission.message}`
}

function row({ schema, table, objectId }: RevertConflict | RevertOmission): string {
  return `${schema}.${table}${objectId === null ? '' : ` ${objectId}`}`
}

function user(id: string | null): string {
  return id === null ? '' : ` of ${id}`
}

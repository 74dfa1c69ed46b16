import type { Command } from './commands/commands.js'
import type { Query, ServerError } from './driver.js'
import type { Session } from './session.js'
import { override, settingCommand } from './setting.js'

/** A text of several commands with the setting put in where it is needed. */
interface Interspersed {
  readonly text: string
  /** Which of its commands are ours, counted from 0. */
  readonly ours: ReadonlySet<number>
  /** An error's position in the text as it was given. */
  position(error: ServerError): string | undefined
}

/**
 * Puts the setting before the first command that carries it, and again where a command before may
 * have taken it back: never before BEGIN or SET, which may have to come first in their transaction.
 */
function intersperse(
  text: string,
  commands: readonly Command[],
  carries: (command: Command) => boolean,
  value: string,
  hasFailed: boolean,
): Interspersed {
  const setting = settingCommand(value)
  const ours = new Set<number>()
  const offsets: number[] = []
  let result = ''
  let copied = 0
  let isDue = !hasFailed
  commands.forEach((command, index) => {
    if (carries(command)) {
      if (isDue) {
        ours.add(index + ours.size)
        offsets.push(command.start)
        result += text.slice(copied, command.start) + setting
        copied = command.start
      }
      isDue = false
    } else if (command.kind !== 'read' && command.kind !== 'copy out') isDue = true
  })
  return {
    text: result + text.slice(copied),
    ours,
    position({ position }) {
      if (position === undefined) return undefined
      let given = Number(position)
      // both are counted in characters, which are code points
      for (const offset of offsets) {
        if (given > [...text.slice(0, offset)].length + setting.length) given -= setting.length
      }
      return String(given)
    },
  }
}

/**
 * Puts the setting into the text of a query of several commands.
 *
 * @param active what hears the answers: the query, or a copy of it.
 * @returns puts the text back, when it was sent.
 */
export function putIn(
  setting: string,
  query: Query,
  active: Query,
  session: Session,
  commands: readonly Command[],
): () => void {
  const { text } = query
  const carries = (command: Command) => session.carries(command)
  const sent = intersperse(text ?? '', commands, carries, setting, session.hasFailed)
  query.text = sent.text
  hideOurs(active, sent)
  return () => {
    query.text = text
  }
}

/** Keeps the results of our commands out of the application's. */
function hideOurs(query: Query, { ours, position }: Interspersed): void {
  let index = 0
  const { handleRowDescription, handleDataRow, handleCommandComplete, handleError } = query
  override<Query>(query, {
    handleRowDescription(message) {
      if (!ours.has(index)) handleRowDescription?.call(this, message)
    },
    handleDataRow(message) {
      if (!ours.has(index)) handleDataRow?.call(this, message)
    },
    handleCommandComplete(message, connection) {
      if (!ours.has(index++)) handleCommandComplete?.call(this, message, connection)
    },
    handleError(error, connection) {
      error.position = position(error)
      return handleError.call(this, error, connection)
    },
  })
}

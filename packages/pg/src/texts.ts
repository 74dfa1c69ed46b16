import { type Command, commandsOf } from './commands/commands.js'
import type { Connection } from './driver.js'

/** An application sends the same few texts over and over. */
const recent = new Map<string, readonly Command[]>()
const RECENT = 1_000

/**
 * The commands of a text.
 *
 * @param conforming the server's standard_conforming_strings; undefined while nobody has said.
 */
export function commandsIn(text: string, conforming: boolean | undefined): readonly Command[] {
  if (conforming === undefined && text.includes('\\')) return commandsInEither(text)
  const standardConformingStrings = conforming !== false
  const key = standardConformingStrings ? text : `\0${text}`
  const known = recent.get(key)
  if (known) return known
  const commands = commandsOf(text, { standardConformingStrings })
  if (text.length <= 10_000) {
    if (recent.size >= RECENT) recent.delete(recent.keys().next().value as string)
    recent.set(key, commands)
  }
  return commands
}

/** While nobody has said how the server reads a backslash: a text that it decides about carries nothing. */
function commandsInEither(text: string): readonly Command[] {
  const [one, other] = [commandsIn(text, true), commandsIn(text, false)]
  const isSame = JSON.stringify(one) === JSON.stringify(other)
  return isSame ? one : [{ kind: 'session', start: 0, end: text.length }]
}

/** The text of what `client.query` is given; an empty one where it does not show. */
export function textOf(config: unknown, connection: Connection): string {
  if (typeof config === 'string') return config
  const { text, cursor, name } = Object(config) as {
    readonly text?: unknown
    /** A stream has its text in the cursor that it reads. */
    readonly cursor?: { readonly text?: unknown }
    /** A statement that is prepared needs its name alone. */
    readonly name?: string
  }
  const found = text ?? cursor?.text ?? (name && preparedText(name, connection))
  return typeof found === 'string' ? found : ''
}

/** The text of a named statement that is prepared, or on its way. */
export function preparedText(
  name: string,
  { parsedStatements, submittedNamedStatements }: Connection,
): string | undefined {
  return parsedStatements[name] ?? submittedNamedStatements?.[name]
}

// Control and format characters (bidirectional ones among them), line and paragraph separators, lone
// surrogates, and what is drawn as nothing; but not the selector that colours an emoji.
const unsafe = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]|(?!\uFE0F)\p{Default_Ignorable_Code_Point}/gu
const names: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/**
 * A text from the database as it may stand on a terminal: in one line, with all that could move the
 * cursor, turn the direction of reading or hide something shown as what it is.
 */
export function safeText(text: string): string {
  return text.replace(
    unsafe,
    (found) => names[found] ?? `\\u{${(found.codePointAt(0) ?? 0).toString(16)}}`,
  )
}

/** The same for a text of several lines that are ours. */
export function safeLines(text: string): string {
  return text.split('\n').map(safeLine).join('\n')
}

/** JSON that says the same and holds none of these characters. */
export function safeJson(json: string): string {
  // line breaks in JSON are layout: in a text they are escaped already
  return json.replace(unsafe, (found) => (found === '\n' ? found : units(found)))
}

function safeLine(line: string): string {
  return line.split('\t').map(safeText).join('\t')
}

function units(found: string): string {
  return [...Array(found.length).keys()]
    .map((at) => `\\u${found.charCodeAt(at).toString(16).padStart(4, '0')}`)
    .join('')
}

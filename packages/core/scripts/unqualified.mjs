// The functions that a text calls by a bare name, and so by the search_path of whoever runs it: one
// with the exact types of the arguments, in any schema of that path, is called instead of
// PostgreSQL's own.

const TOKEN = /--[^\n]*|\/\*[\s\S]*?\*\/|'(?:[^']|'')*'|"(?:[^"]|"")*"|\$\w*\$|[\w$]+|\S/gi

/** What may stand before a parenthesis and is no function, or one that the grammar looks up itself. */
const SYNTAX = new Set(
  `all and any array as between by case cast coalesce conflict cube distinct else end except exists
  extract filter from greatest group grouping having if in intersect is join lateral least like
  limit materialized not nullif offset on only or order over partition position recursive returning
  rollup row select set sets some then union using values when where window with within`.split(
    /\s+/,
  ),
)

/** The names of unqualified calls, with their lines. */
export function unqualifiedCalls(text) {
  const tokens = [...text.matchAll(TOKEN)]
    .map((match) => ({ text: match[0], at: match.index }))
    .filter(({ text: token }) => !/^(--|\/\*|\$\w*\$$)/.test(token))
  return tokens.flatMap((token, index) => {
    const name = token.text.toLowerCase()
    if (!/^("|[a-z_])/.test(name) || tokens[index + 1]?.text !== '(' || SYNTAX.has(name)) return []
    const before = tokens[index - 1]?.text.toLowerCase()
    // schema.name(…); AS alias (…), also of a table that is inserted into
    if (before === '.' || before === 'as' || isQuery(tokens, index)) return []
    const line = text.slice(0, token.at).split('\n').length
    return [{ name: token.text, line }]
  })
}

/** WITH name (columns) AS (…), and the later ones of the list: `), name (columns) AS (`. */
function isQuery(tokens, index) {
  const before = tokens[index - 1]?.text.toLowerCase()
  const isFirst = before === 'with' || before === 'recursive'
  if (!isFirst && !(before === ',' && tokens[index - 2]?.text === ')')) return false
  const end = tokens.findIndex(({ text }, at) => at > index && text === ')')
  return tokens[end + 1]?.text.toLowerCase() === 'as'
}

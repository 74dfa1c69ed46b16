// Compiles sql/**/*.sql into src/sql/generated.ts. With --check it only says whether that is stale,
// and whether what runs under the search_path of the caller calls anything by a bare name.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { unqualifiedCalls } from './unqualified.mjs'

const folder = new URL('../sql/', import.meta.url)
const target = new URL('../src/sql/generated.ts', import.meta.url)

const paths = readdirSync(folder, { recursive: true })
  .map((path) => path.replaceAll('\\', '/'))
  .filter((path) => path.endsWith('.sql'))
  // The same order everywhere: by code unit, whatever the locale.
  .sort((a, b) => (a < b ? -1 : 1))

if (process.argv.includes('--check')) {
  const calls = paths
    .filter((path) => /^(install|read|undo|keep)\//.test(path))
    .flatMap((path) =>
      unqualifiedCalls(read(new URL(path, folder))).map((call) => ({ path, ...call })),
    )
  for (const { path, line, name } of calls) {
    console.error(`sql/${path}:${line} calls ${name}() by the search_path. Write its schema, too.`)
  }
  if (calls.length > 0) process.exit(1)
}

const entries = paths.map(
  (path) => `  '${path.slice(0, -'.sql'.length)}': ${literal(read(new URL(path, folder)))},\n`,
)

const module = `// Generated from packages/core/sql by npm run sql.

export const sql = {
${entries.join('')}} as const
`

if (read(target) !== module) {
  if (process.argv.includes('--check')) {
    console.error('src/sql/generated.ts is stale. Run `npm run sql -w @auditrum/core`.')
    process.exit(1)
  }
  mkdirSync(new URL('./', target), { recursive: true })
  writeFileSync(target, module)
}

function literal(text) {
  return `\`${text.replace(/[\\`]|\$\{/g, '\\$&')}\``
}

function read(file) {
  try {
    return readFileSync(file, 'utf8').replaceAll('\r\n', '\n')
  } catch (error) {
    if (error.code === 'ENOENT') return undefined
    throw error
  }
}

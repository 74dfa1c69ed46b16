import { fileURLToPath } from 'node:url'

/** Where the documentation says which calls of a library carry the context. */
export function callsFile(library: string): string {
  return fileURLToPath(new URL(`../../../docs/calls/${library}.md`, import.meta.url))
}

/**
 * What it says there: for `toMatchFileSnapshot`, so that the tests that try the calls write it.
 *
 * @param answers What each call does: 'yes', or in words.
 */
export function callsTable(title: string, answers: Readonly<Record<string, string>>): string {
  const rows = Object.entries(answers).map(([call, answer]) => `| ${call} | ${answer} |`)
  return [`# ${title}`, '', '| call | carries the context |', '| --- | --- |', ...rows, ''].join(
    '\n',
  )
}

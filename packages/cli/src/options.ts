import { writeFile } from 'node:fs/promises'
import { InvalidArgumentError, Option } from '@commander-js/extra-typings'
import type { Terminal } from './terminal.js'

/** Options that several commands have, each with one meaning. */
export const json = () => new Option('--json', 'print JSON: one document, or a line for each')
export const dryRun = () => new Option('--dry-run', 'print the SQL and change nothing')
export const output = () => new Option('--output <file>', 'write the SQL to a file, change nothing')

/** `a,b` as a list; given again it adds. */
export function names(value: string, before: readonly string[] = []): readonly string[] {
  const list = value.split(',').map((name) => name.trim())
  if (list.includes('')) throw new InvalidArgumentError('Give names with commas between them.')
  return [...before, ...list]
}

export function count(value: string): number {
  const number = Number(value)
  if (!/^\d+$/.test(value) || !Number.isSafeInteger(number)) {
    throw new InvalidArgumentError('Give a whole number.')
  }
  return number
}

/** Whether SQL is only to be shown, and if so shows it. */
export async function showSql(
  terminal: Terminal,
  options: { readonly dryRun?: true | undefined; readonly output?: string | undefined },
  sql: () => Promise<string>,
): Promise<boolean> {
  if (options.output === undefined && !options.dryRun) return false
  const text = await sql()
  if (text.trim() === '') terminal.note('There is nothing to do.')
  if (options.output !== undefined) {
    await writeFile(options.output, text)
    terminal.note(`${options.output} is written.`)
  } else if (text.trim() !== '') await terminal.text(text)
  return true
}

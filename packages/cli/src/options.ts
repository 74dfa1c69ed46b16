import { writeFile } from 'node:fs/promises'
import { UsageError } from '@auditrum/core'
import { InvalidArgumentError, Option } from '@commander-js/extra-typings'
import type { FoundConfig } from './load-config.js'
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

/** At least one. */
export function limit(value: string): number {
  if (count(value) === 0) throw new InvalidArgumentError('Give at least 1.')
  return count(value)
}

/** The id of an event or a transaction, as `history` prints it. */
export function id(value: string): string {
  if (/^\d{1,19}$/.test(value) && BigInt(value) < 2n ** 63n) return value
  throw new InvalidArgumentError('Give an id as history prints it, such as 4711.')
}

export function uuid(value: string): string {
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value)) return value
  throw new InvalidArgumentError('Give a uuid as history --json prints it.')
}

export function count(value: string): number {
  const number = Number(value)
  if (!/^\d+$/.test(value) || !Number.isSafeInteger(number)) {
    throw new InvalidArgumentError('Give a whole number.')
  }
  return number
}

const units = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** A time between two rounds, in milliseconds: `30s`, `5m`, `1h`, `1d`. */
export function interval(value: string): number {
  const [, digits, unit] = /^(\d{1,6})(s|m|h|d)$/.exec(value) ?? []
  const time = Number(digits) * (units[unit as keyof typeof units] ?? 0)
  // longer is no timer of Node's
  if (time > 0 && time < 2 ** 31) return time
  throw new InvalidArgumentError('Give a time such as 30s, 5m, 1h or 1d, up to 24d.')
}

/** Refuses what without declarations would take everything for undeclared, or for done. */
export function requireConfig(config: FoundConfig, option: string): void {
  if (config.file !== undefined) return
  throw new UsageError(
    `There is no configuration here, so ${option} would take every table for undeclared. Run it where auditrum.config.ts is, or name it with --config.`,
  )
}

/** So many of something. */
export function number(of: number, singular: string, plural = `${singular}s`): string {
  return `${of.toLocaleString('en')} ${of === 1 ? singular : plural}`
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

import { SchemaError } from '@auditrum/core'
import { CommanderError } from 'commander'

/** Exit codes of the command. */
export const exit = {
  fine: 0,
  /** The check failed: drift, a broken chain, a conflict. */
  failed: 1,
  /** Wrong usage, or a wrong configuration. */
  usage: 2,
  /** The database refused, or cannot be reached. */
  database: 3,
  /** An error of this program (EX_SOFTWARE of sysexits.h). */
  bug: 70,
} as const

const byCode: Readonly<Record<string, number>> = {
  AUDITRUM_CONFLICT: exit.failed,
  AUDITRUM_INTEGRITY: exit.failed,
  AUDITRUM_DECLARATION: exit.usage,
  AUDITRUM_CONTEXT: exit.usage,
  AUDITRUM_USAGE: exit.usage,
  AUDITRUM_SCHEMA: exit.database,
}

/** What a failure exits with. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exit.fine : exit.usage
  const { code } = (error ?? {}) as { readonly code?: unknown }
  if (typeof code !== 'string') return exit.bug
  return byCode[code] ?? (/^[0-9A-Z]{5}$/.test(code) ? exit.database : exit.bug)
}

/** What is said of a failure: never a stack, unless it is an error of this program and asked for. */
export function messageOf(error: unknown, isVerbose: boolean): string {
  const message = error instanceof Error ? error.message : String(error)
  const { code: kind } = (error ?? {}) as { readonly code?: unknown }
  // by its code: a configuration may bring another copy of core
  if (String(kind) in byCode) return message
  const code = exitCodeOf(error)
  if (code === exit.database) {
    const { hint, detail } = error as { readonly hint?: string; readonly detail?: string }
    return [`The database refused: ${message}.`, detail, hint].filter(Boolean).join(' ')
  }
  if (code !== exit.bug) return message
  const stack = isVerbose && error instanceof Error ? `\n${error.stack}` : ''
  return `This should not have happened: ${message}. It is an error of auditrum, please report it${isVerbose ? '' : ' with what --verbose adds'}.${stack}`
}

/** Of a connection that could not be made, one sentence that holds no password. */
export function connectionError(error: unknown, where: string): SchemaError {
  const first = error instanceof AggregateError ? (error.errors[0] as unknown) : error
  const message = first instanceof Error ? first.message : String(first)
  return new SchemaError(
    `The database at ${where} cannot be reached: ${message}. Check --database-url, DATABASE_URL or the PG* variables, and whether the server runs.`,
    { cause: error },
  )
}

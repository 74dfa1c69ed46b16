import { SchemaError } from '@auditrum/core'
import { CommanderError } from 'commander'
import { inOptions } from './spelling.js'
import { isUnreachable } from './unreachable.js'

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
  if (isUnreachable(error)) return exit.database
  if (typeof code !== 'string') return exit.bug
  if (isOfFile(error) || code === 'EISDIR') return exit.usage
  return byCode[code] ?? (/^[0-9A-Z]{5}$/.test(code) ? exit.database : exit.bug)
}

/** A failure as a line of JSON, where JSON was asked for. */
export function failureRecord(error: unknown): {
  readonly error: { readonly code: string | null; readonly message: string }
} {
  const { code } = (error ?? {}) as { readonly code?: unknown }
  return {
    error: {
      code: typeof code === 'string' ? code : null,
      message: messageOf(error, false).message,
    },
  }
}

/** An error about a file that was named: not there, not ours, no room for it. */
function isOfFile(error: unknown): error is NodeJS.ErrnoException & { readonly path: string } {
  const { path, syscall } = Object(error) as NodeJS.ErrnoException
  return typeof path === 'string' && typeof syscall === 'string' && syscall !== 'connect'
}

/** What is said of a failure: a line; with a stack only for an error of this program, if asked for. */
export function messageOf(
  error: unknown,
  isVerbose: boolean,
): { readonly message: string; readonly stack: string } {
  const said = inOptions(error instanceof Error ? error.message : String(error))
  const { code: kind, hint, detail } = (error ?? {}) as Readonly<Record<string, unknown>>
  const code = exitCodeOf(error)
  if (isOfFile(error)) {
    return { message: `${error.path} cannot be read or written: ${said}.`, stack: '' }
  }
  // where a folder is read, Node does not say which
  if (kind === 'EISDIR') {
    return { message: 'A folder was named where a file is read. Name a file in it.', stack: '' }
  }
  // by its code: a configuration may bring another copy of core
  if (String(kind) in byCode || code === exit.usage) return { message: said, stack: '' }
  if (isUnreachable(error)) {
    return {
      message: `The connection to the database was lost: ${said.replace(/\.$/, '')}. Check whether the server runs.`,
      stack: '',
    }
  }
  if (code === exit.database) {
    const parts = [`The database refused: ${said}.`, detail, hint]
    return { message: parts.filter(Boolean).join(' '), stack: '' }
  }
  const more = isVerbose ? '' : ' with what --verbose adds'
  return {
    message: `This should not have happened: ${said}. It is an error of auditrum, please report it${more}.`,
    stack: isVerbose && error instanceof Error ? `${error.stack}\n` : '',
  }
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

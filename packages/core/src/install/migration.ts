import { UsageError } from '../errors.js'
import { show } from '../options.js'
import type { Change } from './plan.js'

/** A migration in plain SQL: each part is to be run in one transaction. */
export interface MigrationSql {
  readonly up: string
  readonly down: string
}

/**
 * Writes what plan found as a migration, for tools that keep the schema's changes in files. `down`
 * takes back what `up` did to the tables; the log itself and what is in it stay.
 *
 * @throws UsageError where it is given something else than what `plan` returns.
 */
export function migrationSql(changes: readonly Change[]): MigrationSql {
  if (!Array.isArray(changes) || !changes.every(isChange)) {
    throw new UsageError(
      `migrationSql was given ${show(changes)}. Give what plan() resolves to: migrationSql(await audit.plan()).`,
    )
  }
  const todo = changes.filter(({ action }) => action !== 'none')
  const part = (comment: string, sql: string) => `-- ${oneLine(comment)}\n${sql.trim()}\n`
  return Object.freeze({
    up: todo
      .map(({ action, table, reasons, sql }) =>
        part(`${action} ${table ?? 'the log'}: ${reasons.join(', ')}`, sql),
      )
      .join('\n'),
    down: todo
      .filter(({ table, undo }) => table !== null && undo !== '')
      .reverse()
      .map(({ action, table, undo }) => part(takenBack[action](table ?? ''), undo))
      .join('\n'),
  })
}

/** What `undo` does, in words. */
const takenBack: Readonly<Record<Change['action'], (table: string) => string>> = {
  install: (table) => `stop tracking ${table} again`,
  update: (table) => `declare ${table} as it was before`,
  uninstall: (table) => `track ${table} again, as it was declared`,
  none: (table) => table,
}

function isChange(change: unknown): change is Change {
  return typeof change === 'object' && change !== null && 'undo' in change && 'reasons' in change
}

/** A name with a line break in it must not end the comment. */
function oneLine(text: string): string {
  return text.replace(/[\r\n]+/g, ' ')
}

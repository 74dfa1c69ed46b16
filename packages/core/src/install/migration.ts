import type { Change } from './plan.js'

/** A migration in plain SQL: each part is to be run in one transaction. */
export interface MigrationSql {
  readonly up: string
  readonly down: string
}

/**
 * Writes what plan found as a migration, for tools that keep the schema's changes in files. `down`
 * takes back what `up` did to the tables; the log itself and what is in it stay.
 */
export function migrationSql(changes: readonly Change[]): MigrationSql {
  const todo = changes.filter(({ action }) => action !== 'none')
  const part = (change: Change, sql: string) =>
    `-- ${change.action} ${oneLine(change.table ?? 'the log')}: ${oneLine(change.reasons.join(', '))}\n${sql.trim()}\n`
  return Object.freeze({
    up: todo.map((change) => part(change, change.sql)).join('\n'),
    down: todo
      .filter(({ table }) => table !== null)
      .reverse()
      .map((change) => part(change, change.undo))
      .join('\n'),
  })
}

/** A name with a line break in it must not end the comment. */
function oneLine(text: string): string {
  return text.replace(/[\r\n]+/g, ' ')
}

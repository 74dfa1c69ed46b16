import { isDeepStrictEqual } from 'node:util'
import { triggerName } from '../sql/template.js'
import type { Capture, Table } from './catalogue.js'
import { shippedTemplate } from './shipped.js'

/** In what a tracked table differs from what it should be. */
export interface Difference {
  readonly code:
    | 'trigger_missing'
    | 'trigger_disabled'
    | 'trigger_altered'
    | 'partition_trigger_missing'
    | 'function_edited'
    | 'function_outdated'
    | 'key_changed'
    | 'columns_changed'
    | 'declaration_changed'
  /** Half a sentence, for people: `the trigger of public.orders is disabled`. */
  readonly message: string
}

/** `pg_trigger.tgtype` of AFTER INSERT OR UPDATE OR DELETE FOR EACH ROW, and of AFTER TRUNCATE. */
const ROW_TRIGGER = 29
const TRUNCATE_TRIGGER = 32

/** Compares a tracked table with its capture function, its triggers and, if given, its declaration. */
export function inspectTable(
  table: Table,
  capture: Capture,
  schema: string,
  declared?: Readonly<Record<string, unknown>>,
): readonly Difference[] {
  const differences: Difference[] = []
  const add = (code: Difference['code'], message: string) => differences.push({ code, message })

  for (const [depth, branch] of table.tree.entries()) {
    for (const [name, type] of [
      [triggerName(schema), ROW_TRIGGER],
      [`${triggerName(schema)}_truncate`, TRUNCATE_TRIGGER],
    ] as const) {
      const trigger = branch.triggers[name]
      if (!trigger || trigger.capture !== capture.id) {
        const code = depth === 0 ? 'trigger_missing' : 'partition_trigger_missing'
        add(code, `the trigger ${name} of ${branch.name} is missing`)
      } else if (trigger.enabled !== 'O' && trigger.enabled !== 'A') {
        add('trigger_disabled', `the trigger ${name} of ${branch.name} is disabled`)
      } else if (trigger.type !== type || trigger.isConditional) {
        add('trigger_altered', `the trigger ${name} of ${branch.name} was altered`)
      }
    }
  }

  const { stamp } = capture
  if (
    !stamp ||
    stamp.source !== capture.source ||
    !capture.securityDefiner ||
    !isDeepStrictEqual(stamp.settings, capture.settings)
  ) {
    add('function_edited', `the function ${schema}.capture_${capture.id} was edited`)
    return differences
  }
  if (stamp.template !== shippedTemplate(schema)) {
    add('function_outdated', 'its capture function is of another version')
  }
  if (!isDeepStrictEqual(stamp.key, table.key)) {
    add(
      'key_changed',
      `the primary key changed from (${stamp.key.join(', ')}) to (${table.key.join(', ')})`,
    )
  }
  if (!isDeepStrictEqual(stamp.columns, table.columnList)) {
    add(
      'columns_changed',
      `the columns changed: ${changedColumns(stamp.columns, table.columnList)}`,
    )
  }
  if (declared && !isDeepStrictEqual(stamp.declaration, declared)) {
    add('declaration_changed', 'the declaration changed')
  }
  return differences
}

function changedColumns(before: readonly string[], after: readonly string[]): string {
  const name = (column: string) => column.split(' ')[0]
  const added = after
    .filter((column) => !before.includes(column))
    .map((column) => `+${name(column)}`)
  const removed = before
    .filter((column) => !after.includes(column))
    .map((column) => `-${name(column)}`)
  return [...removed, ...added].join(' ') || 'their order'
}

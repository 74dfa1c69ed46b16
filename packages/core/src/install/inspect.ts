import { isDeepStrictEqual } from 'node:util'
import { showTable } from '../declare/table.js'
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
    | 'trigger_stray'
    | 'function_edited'
    | 'function_outdated'
    | 'key_changed'
    | 'columns_changed'
    | 'declaration_changed'
  /** `error`: changes may be lost or wrongly recorded. */
  readonly severity: 'error' | 'warning'
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
  const add = (
    code: Difference['code'],
    message: string,
    severity: Difference['severity'] = 'error',
  ) => differences.push({ code, severity, message })

  for (const [depth, branch] of table.tree.entries()) {
    for (const [name, type] of [
      [triggerName(schema), ROW_TRIGGER],
      [`${triggerName(schema)}_truncate`, TRUNCATE_TRIGGER],
    ] as const) {
      const trigger = branch.triggers[name]
      if (!trigger || trigger.capture !== capture.id) {
        const message = `the trigger ${name} of ${branch.name} is missing`
        if (depth === 0) add('trigger_missing', message)
        else if (type === ROW_TRIGGER) add('partition_trigger_missing', message)
        else {
          // every new partition begins like that: PostgreSQL clones row triggers alone
          add(
            'partition_trigger_missing',
            `${message}, so that only a TRUNCATE of it is not recorded`,
            'warning',
          )
        }
      } else if (trigger.enabled !== 'O' && trigger.enabled !== 'A') {
        add('trigger_disabled', `the trigger ${name} of ${branch.name} is disabled`)
      } else if (trigger.type !== type || trigger.isConditional) {
        add('trigger_altered', `the trigger ${name} of ${branch.name} was altered`)
      }
    }
  }

  for (const stray of capture.strays) {
    add('trigger_stray', `${stray} is no longer below it and still carries its trigger`)
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
  if ((stamp.label ?? null) !== capture.label) {
    add('function_edited', `the function ${schema}.label_${capture.id} was edited or dropped`)
  }
  if (stamp.template !== shippedTemplate(schema)) {
    add('function_outdated', 'its capture function is of another version', 'warning')
  }
  if (stamp.label && stamp.table && showTable(stamp.table) !== showTable(table)) {
    add('function_outdated', 'its label was written for another name', 'warning')
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
      'warning',
    )
  }
  if (declared && !isDeepStrictEqual(stamp.declaration, declared)) {
    add(
      'declaration_changed',
      `the declaration changed: ${changedOptions(stamp.declaration, declared)}`,
    )
  }
  return differences
}

function changedOptions(
  before: Readonly<Record<string, unknown>>,
  after: Readonly<Record<string, unknown>>,
): string {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter((option) => !isDeepStrictEqual(before[option], after[option]))
    .sort()
    .map((option) => `${option in after ? (option in before ? '' : '+') : '-'}${option}`)
    .join(' ')
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

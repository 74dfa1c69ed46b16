import { parseTable, quoteTable, type TableName } from '../declare/table.js'
import { type Queryable, rowsOf } from '../queryable.js'
import { render } from '../sql/template.js'
import type { AuditEvent, ValueChange } from './event.js'
import { type RowId, rowIdJson } from './filter.js'

/** Labels of the rows that foreign keys refer to, by column. */
export type ReferenceLabels = Readonly<Record<string, string>>

interface LabelRow {
  readonly event_id: string
  readonly label: string | null
  readonly old_labels: string | null
  readonly new_labels: string | null
}

/** What people call a row, as declared for its table; null where it declares no label. */
export async function label(
  queryable: Queryable,
  schema: string,
  table: string | TableName,
  id: RowId,
): Promise<string | null> {
  const values = [quoteTable(parseTable(table)), rowIdJson(id)]
  const [row] = await rowsOf<{ label: string | null }>(
    queryable,
    render('read/label', schema),
    values,
  )
  return row?.label ?? null
}

/** Events with the labels of their rows and of the rows that these refer to: one statement for all. */
export async function withLabels<R extends object>(
  queryable: Queryable,
  schema: string,
  events: readonly AuditEvent<R>[],
): Promise<readonly AuditEvent<R>[]> {
  if (events.length === 0) return events
  const times = events.map(({ changedAt }) => changedAt).sort()
  const values = [JSON.stringify(events.map(({ id }) => id)), times[0], times.at(-1)]
  const rows = await rowsOf<LabelRow>(queryable, render('read/event_labels', schema), values)
  const labels = new Map(rows.map((row) => [row.event_id, row]))
  return events.map((event) => {
    const found = labels.get(event.id)
    const before = referenceLabels(found?.old_labels)
    const behind = referenceLabels(found?.new_labels)
    const diff = Object.entries<ValueChange>(event.diff as Record<string, ValueChange>).map(
      ([column, change]) => {
        if (!(column in before) && !(column in behind)) return [column, change]
        const { [column]: oldLabel = null } = before
        const { [column]: newLabel = null } = behind
        return [column, { ...change, oldLabel, newLabel }]
      },
    )
    return { ...event, label: found?.label ?? null, diff: Object.fromEntries(diff) }
  })
}

/** Of JSON, as the database gives them. */
export function referenceLabels(json: string | null | undefined): ReferenceLabels {
  // without a prototype: a column may be called constructor
  return Object.assign(Object.create(null), json == null ? undefined : JSON.parse(json))
}

import { quoteTable } from '../declare/table.js'
import type { Declaration } from '../declare/track.js'
import { quoteIdentifier, quoteLiteral } from '../sql/quote.js'
import { DEFAULT_SCHEMA, render, type SqlName } from '../sql/template.js'

/** In the order in which they are created: a function after what its body needs at creation. */
export const objects: readonly SqlName[] = [
  'install/begin',
  'tables/audit_setting',
  'tables/audit_table',
  'tables/audit_shape',
  'tables/audit_context',
  'tables/audit_event',
  'views/auditlog',
  'functions/key_columns',
  'functions/key_expression',
  'functions/object_id',
  'functions/tracked_id',
  'functions/column_list',
  'functions/record_shape',
  'functions/write_context',
  'functions/capture_settings',
  'functions/capture_source',
  'functions/check_declaration',
  'functions/track',
  'functions/drop_capture',
  'functions/untrack',
  'functions/month_bound',
  'functions/overflow_start',
  'functions/create_partitions',
  'functions/maintain',
  'functions/nearest_name',
  'functions/table_id',
  'functions/row_id',
  'functions/is_row',
  'functions/column_types',
  'functions/known_column',
  'functions/history',
  'functions/blame',
  'install/end',
]

/**
 * The SQL that installs the log, or upgrades an older one: schema, tables, view, functions, first
 * partitions. It can be run again, and needs no superuser: only CREATE on the database.
 *
 * Several statements, to be run in one transaction: as one simple query, with psql -1 -f, or as a
 * migration of any tool.
 */
export function schemaSql({ schema = DEFAULT_SCHEMA }: { readonly schema?: string } = {}): string {
  return objects.map((name) => render(name, schema)).join('\n')
}

/**
 * The SQL that tracks one table as declared, once {@link schemaSql} was run: a single SELECT, which
 * returns installed, updated or unchanged.
 */
export function trackingSql(
  { table, options }: Declaration,
  {
    schema = DEFAULT_SCHEMA,
    app = 'default',
  }: { readonly schema?: string; readonly app?: string } = {},
): string {
  const call = [quoteTable(table), JSON.stringify(options), app].map(quoteLiteral).join(', ')
  return `SELECT ${quoteIdentifier(schema)}.track(${call});`
}

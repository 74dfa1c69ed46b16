import { quoteTable, type TableName } from '../declare/table.js'
import { checkEntry, type Declaration } from '../declare/track.js'
import { DeclarationError, UsageError } from '../errors.js'
import { checkOptions, show } from '../options.js'
import { quoteIdentifier, quoteLiteral } from '../sql/quote.js'
import { checkSchema, DEFAULT_SCHEMA, render, type SqlName } from '../sql/template.js'

/** In the order in which they are created: a function after what its body needs at creation. */
export const objects: readonly SqlName[] = [
  'install/begin',
  'tables/audit_setting',
  'tables/audit_table',
  'tables/audit_shape',
  'tables/audit_context',
  'tables/audit_event',
  'tables/audit_purge',
  'tables/audit_erasure',
  'tables/audit_seal',
  'tables/audit_leaf',
  'views/auditlog',
  'views/contexts',
  'views/purges',
  'views/erasures',
  'functions/key_columns',
  'functions/key_expression',
  'functions/object_id',
  'functions/bounded_id',
  'functions/tracked_id',
  'functions/column_list',
  'functions/table_columns',
  'functions/record_shape',
  'functions/difference_query',
  'functions/signed_context',
  'functions/write_context',
  'functions/capture_settings',
  'functions/image_expression',
  'functions/capture_source',
  'functions/label_expression',
  'functions/label_record',
  'functions/label_source',
  'functions/label_reach',
  'functions/check_declaration',
  'functions/set_label',
  'functions/track',
  'functions/drop_capture',
  'functions/untrack',
  'functions/make_private',
  'functions/sign_contexts',
  'functions/allow_pausing',
  'functions/pause',
  'functions/this_context',
  'functions/partition_bound',
  'functions/partitions_of',
  'functions/partition_gaps',
  'functions/partition_name',
  'functions/partition_plan',
  'functions/overflow_start',
  'functions/is_over',
  'functions/closing_bound',
  'functions/is_beyond',
  'functions/overflow_obstacle',
  'functions/lock_log',
  'functions/lock_holders',
  'functions/close_overflow',
  'functions/create_partitions',
  'functions/is_detaching',
  'functions/finish_detaching',
  'functions/is_span',
  'functions/purge_targets',
  'functions/purge_needs',
  'functions/hold_partition',
  'functions/droppable_partitions',
  'functions/detached_partitions',
  'functions/attach',
  'functions/attach_again',
  'functions/missed_partition',
  'functions/mend_start',
  'functions/mend_log',
  'functions/added_counts',
  'functions/purge_start',
  'functions/canonical',
  'functions/canonical_context',
  'functions/form_leaf',
  'functions/value_hash',
  'functions/document_hashes',
  'functions/canonical_event',
  'functions/event_leaf',
  'functions/leaf_query',
  'functions/leaving_partitions',
  'functions/events_with_leavers',
  'functions/entry_leaf',
  'functions/merkle_root',
  'functions/system_identifier',
  'functions/read_entry',
  'functions/sealed_elsewhere',
  'functions/sealed_until',
  'functions/sealed_before',
  'functions/was_running',
  'functions/check_last_entry',
  'functions/check_chain_end',
  'functions/seal_append',
  'functions/seal_start',
  'functions/has_salt',
  'functions/give_salt',
  'functions/check_whole',
  'functions/check_leaving',
  'functions/enable_sealing',
  'functions/seal_block',
  'functions/seal',
  'functions/seal_rebase',
  'functions/amendments',
  'functions/sealed_places',
  'functions/bitmap',
  'functions/purge_record',
  'functions/retire',
  'functions/purge_rescue',
  'functions/purge_drop',
  'functions/purge_events',
  'functions/purge_contexts',
  'functions/purge_report',
  'functions/purge_step',
  'functions/purge_preview',
  'functions/purge',
  'functions/maintain_step',
  'functions/maintain',
  'functions/run_maintenance',
  'functions/nearest_name',
  'functions/log_costs',
  'functions/table_id',
  'functions/row_id',
  'functions/is_row',
  'functions/columns_over_time',
  'functions/column_types',
  'functions/known_column',
  'functions/life_start',
  'functions/row_events',
  'functions/events_at',
  'functions/context_condition',
  'functions/contexts_at',
  'functions/event_bound',
  'functions/event_places',
  'functions/event_page',
  'functions/history',
  'functions/row_blame',
  'functions/blame',
  'functions/is_later',
  'functions/is_after',
  'functions/moment_parts',
  'functions/after_condition',
  'functions/past_moment',
  'functions/log_start',
  'functions/known_since',
  'functions/sealing_status',
  'functions/log_status',
  'functions/hardened',
  'functions/forget_hardening',
  'functions/conditions',
  'functions/table_past',
  'functions/truncations_after',
  'functions/past_image',
  'functions/shape_at',
  'functions/past_columns',
  'functions/key_parts',
  'functions/id_parts',
  'functions/is_readable',
  'functions/readable_image',
  'functions/key_condition',
  'functions/live_id',
  'functions/live_condition',
  'functions/live_row',
  'functions/event_after',
  'functions/event_before',
  'functions/past_row',
  'functions/past_lists',
  'functions/past_rows_of',
  'functions/past_rows',
  'functions/past_version',
  'functions/plain_past',
  'functions/row_then',
  'functions/key_at',
  'functions/changed_keys',
  'functions/live_table',
  'functions/column_periods',
  'functions/column_history',
  'functions/past_of',
  'functions/row_type_table',
  'functions/warn_of_gaps',
  'functions/as_of',
  'functions/row_as_of',
  'functions/writers_undone',
  'functions/backfill',
  'functions/folded',
  'functions/label_of',
  'functions/logged_row',
  'functions/row_label',
  'functions/labelled_references',
  'functions/reference_id',
  'functions/reference_labels',
  'functions/event_labels',
  'functions/label',
  'functions/contexts_of',
  'functions/changed_rows',
  'functions/changes',
  'functions/rows_known',
  'functions/key_join',
  'functions/undo_events',
  'functions/undo_keys',
  'functions/undo_table',
  'functions/undo_image',
  'functions/undo_truncated',
  'functions/undo_changes',
  'functions/undo_rows',
  'functions/undo_live',
  'functions/undo_verdicts',
  'functions/undo_foreign_keys',
  'functions/undo_references',
  'functions/undo_referenced',
  'functions/undo_links',
  'functions/undo_order',
  'functions/undo_sql',
  'functions/undo_statements',
  'functions/undo_with',
  'functions/undo_pending',
  'functions/undo_moved',
  'functions/undo_effects',
  'functions/undo_astray',
  'functions/undo_report',
  'functions/undo_script',
  'functions/undo_context',
  'functions/undo',
  'functions/undo_refusal',
  'functions/undo_lines',
  'functions/revert',
  'functions/tracked_tables',
  'functions/is_same_value',
  'functions/verification_shapes',
  'functions/last_touches',
  'functions/live_checksums',
  'functions/logged_columns',
  'functions/arrival_before',
  'functions/logged_difference',
  'functions/logged_balance',
  'functions/keyless_verification',
  'functions/verification',
  'functions/verify',
  'functions/verify_table',
  'functions/accept_unlogged',
  'functions/is_list',
  'functions/verify_blocks',
  'functions/lost_leaves',
  'functions/verify_events',
  'functions/verify_links',
  'functions/verify_relations',
  'functions/misplaced_rows',
  'functions/verify_tables',
  'functions/erasure_record',
  'functions/verify_records',
  'functions/verify_chain',
  'functions/seal_anew',
  'functions/sealed_event',
  'functions/names_in',
  'functions/names_over_time',
  'functions/redacted_event',
  'functions/context_names',
  'functions/redacted_context',
  'functions/erasable_events',
  'functions/erasable_names',
  'functions/places_of',
  'functions/check_sealed',
  'functions/redact_entry',
  'functions/redact_events',
  'functions/erase_values',
  'functions/erase_start',
  'functions/erase_row',
  'functions/erase',
  'functions/erase_user',
  'functions/erase_statistics',
  'functions/let_read',
  'functions/let_maintain',
  'functions/let_erase',
  'install/end',
]

/** Where the log is. */
export interface SchemaOptions {
  /**
   * The schema of the log.
   *
   * @defaultValue `'auditrum'`
   */
  readonly schema?: string | undefined
}

/** Where the log is, and who declares. */
export interface TrackingOptions extends SchemaOptions {
  /**
   * Whose declaration it is.
   *
   * @defaultValue `'default'`
   */
  readonly app?: string | undefined
}

/**
 * The SQL that installs the log, or upgrades an older one: schema, tables, view, functions, first
 * partitions. It can be run again, and needs no superuser: only CREATE on the database.
 *
 * Several statements, to be run in one transaction: as one simple query, with psql -1 -f, or as a
 * migration of any tool.
 */
export function schemaSql(options: SchemaOptions = {}): string {
  checkOptions('schemaSql', options, ['schema'])
  const { schema = DEFAULT_SCHEMA } = options
  return objects.map((name) => render(name, schema)).join('\n')
}

/**
 * The SQL that tracks one table as declared, once {@link schemaSql} was run: a single SELECT, which
 * returns installed, updated or unchanged.
 *
 * @throws DeclarationError where it is given something else than what `track` returns.
 */
export function trackingSql(declaration: Declaration, options: TrackingOptions = {}): string {
  const entry = checkEntry(declaration, 'The first argument of trackingSql')
  if (entry.kind !== 'track') {
    throw new DeclarationError(
      `trackingSql writes the SQL of one table, and was given a ${entry.kind}. Give what track returns, or take the SQL of all from migration().`,
    )
  }
  checkOptions('trackingSql', options, ['schema', 'app'])
  const { schema = DEFAULT_SCHEMA, app = 'default' } = options
  checkSchema(schema)
  if (typeof app !== 'string' || app === '') {
    throw new UsageError(`app: ${show(app)} names no app. Give a name of at least one letter.`)
  }
  return callOfTrack(entry.table, entry.options, schema, app)
}

/** The call as text, for a declaration that was checked, or that the database holds already. */
export function callOfTrack(
  table: TableName,
  options: object,
  schema: string,
  app: string,
): string {
  const call = [quoteTable(table), JSON.stringify(options), app].map(quoteLiteral).join(', ')
  return `SELECT ${quoteIdentifier(schema)}.track(${call});`
}

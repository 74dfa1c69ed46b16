-- Lets a role read the log, and tables as they were:
--   select auditrum.let_read('support');
-- It gets nothing by which anything could be changed: what it undoes it writes by
-- its own rights on the tables. Of a table as it was it sees what has not changed
-- since by these rights, too.
CREATE OR REPLACE FUNCTION :schema.let_read(reader regrole)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  name text;
BEGIN
  EXECUTE format('GRANT USAGE ON SCHEMA :schema TO %s', reader);
  EXECUTE format('GRANT SELECT ON :schema.auditlog, :schema.contexts, :schema.purges, :schema.erasures, :schema.audit_seal, :schema.audit_leaf TO %s', reader);
  EXECUTE format('GRANT SELECT (id) ON :schema.audit_event TO %s', reader);
  FOREACH name IN ARRAY ARRAY[
    'after_condition', 'arrival_before', 'as_of', 'blame', 'bounded_id', 'changed_keys', 'changes', 'column_history',
    'column_periods', 'column_types', 'columns_over_time', 'conditions', 'event_after', 'event_before', 'event_labels', 'event_page',
    'event_places', 'events_at', 'hardened', 'history', 'id_parts', 'image_expression', 'is_after', 'is_later', 'is_readable', 'is_row',
    'is_same_value', 'key_at', 'key_columns', 'key_condition', 'key_expression', 'key_join', 'key_parts',
    'keyless_verification', 'known_column', 'known_since', 'label', 'last_touches', 'life_start', 'live_checksums', 'live_condition',
    'live_id', 'live_row', 'live_table', 'log_costs', 'log_status', 'logged_balance', 'logged_columns', 'logged_difference',
    'misplaced_rows', 'moment_parts', 'object_id', 'past_columns', 'past_image', 'past_lists', 'past_moment', 'past_of', 'past_row',
    'past_rows', 'past_rows_of', 'past_version', 'plain_past', 'readable_image', 'reference_labels', 'revert', 'row_as_of',
    'row_blame', 'row_events', 'row_id', 'row_label', 'row_then', 'row_type_table', 'rows_known', 'sealed_event', 'shape_at', 'table_id',
    'table_past', 'tracked_tables', 'truncations_after', 'undo', 'undo_astray', 'undo_changes', 'undo_context',
    'undo_effects', 'undo_events', 'undo_foreign_keys', 'undo_image', 'undo_keys', 'undo_lines', 'undo_links', 'undo_live',
    'undo_moved', 'undo_order', 'undo_pending', 'undo_referenced', 'undo_references', 'undo_refusal', 'undo_report',
    'undo_rows', 'undo_script', 'undo_sql', 'undo_statements', 'undo_table', 'undo_truncated', 'undo_verdicts', 'undo_with',
    'verification', 'verification_shapes', 'verify', 'verify_blocks', 'verify_chain', 'verify_events', 'verify_links', 'verify_records',
    'verify_relations', 'verify_table', 'verify_tables', 'warn_of_gaps'
  ] LOOP
    EXECUTE format('GRANT EXECUTE ON FUNCTION :schema.%I TO %s', name, reader);
  END LOOP;
END
$function$;

-- Lets a role read the log, and tables as they were:
--   select auditrum.let_read('support');
-- It gets nothing by which anything could be changed. Of a table as it was it
-- sees what has not changed since with its own rights on the table.
CREATE OR REPLACE FUNCTION :schema.let_read(reader regrole)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  name text;
BEGIN
  EXECUTE format('GRANT USAGE ON SCHEMA :schema TO %s', reader);
  EXECUTE format('GRANT SELECT ON :schema.auditlog, :schema.contexts TO %s', reader);
  FOREACH name IN ARRAY ARRAY[
    'after_condition', 'as_of', 'blame', 'bounded_id', 'changed_keys', 'column_history', 'column_periods', 'column_types',
    'event_after', 'event_before', 'event_places', 'events_at', 'history', 'id_parts', 'is_after', 'is_later',
    'is_readable', 'is_row', 'key_at', 'key_columns', 'key_condition', 'key_expression', 'key_parts', 'known_column',
    'life_start', 'live_condition', 'live_id', 'live_row', 'live_table', 'moment_parts', 'past_columns', 'past_image',
    'past_lists', 'past_moment', 'past_of', 'past_row', 'past_rows', 'past_rows_of', 'readable_image', 'row_as_of',
    'row_events', 'row_id', 'row_type_table', 'shape_at', 'table_id', 'table_past', 'truncations_after', 'warn_of_gaps'
  ] LOOP
    EXECUTE format('GRANT EXECUTE ON FUNCTION :schema.%I TO %s', name, reader);
  END LOOP;
END
$function$;

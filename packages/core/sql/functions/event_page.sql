-- One page of events, as event_places finds it, as text that a driver reads
-- exactly: as event_after it is planned once, and has no other names in it than
-- those that it was made with.
--
--   identity  the key of the one row of the table, as people give it, if only its events are asked for
--   filter    as event_places takes it, with the column as people give it
CREATE OR REPLACE FUNCTION :schema.event_page(
  tracked_id integer, identity jsonb, filter jsonb, after bigint, ascending boolean, size integer
)
RETURNS TABLE (
  id text, changed_at text, operation text, schema_name text, table_name text, object_id text, old_object_id text, user_id text,
  old_data text, new_data text, diff text, meta text, masked text, drift text, redacted text, image text, lossy integer, db_user text,
  transaction_id text, context_uuid text, root_uuid text, metadata text, application_name text, client_addr text, context_error text,
  column_types text
)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET TimeZone = 'UTC'
AS $function$
DECLARE
  place record;
BEGIN
  IF tracked_id IS NOT NULL AND filter ? 'column' THEN
    filter := filter || jsonb_build_object('column', :schema.known_column(tracked_id, filter ->> 'column'));
  END IF;
  place := :schema.event_places(
    tracked_id, CASE WHEN identity IS NOT NULL THEN :schema.row_id(tracked_id, identity) END, filter, after, ascending, size
  );
  RETURN QUERY
    WITH log AS MATERIALIZED (
      SELECT event.* FROM :schema.events_at(place.ids, place.times) AS event
    ), known AS MATERIALIZED (
      SELECT shape.* FROM :schema.columns_over_time(ARRAY(SELECT DISTINCT log.table_id FROM log)) AS shape
    )
    SELECT
      log.id::text,
      to_char(log.changed_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
      log.operation,
      log.schema_name::text,
      log.table_name::text,
      log.object_id::text,
      log.old_object_id::text,
      log.user_id,
      log.old_data::text,
      log.new_data::text,
      log.diff::text,
      log.meta::text,
      array_to_json(log.masked)::text,
      array_to_json(log.drift)::text,
      array_to_json(log.redacted)::text,
      log.image,
      log.lossy::integer,
      log.db_user,
      log.transaction_id::text,
      log.context_uuid::text,
      log.root_uuid::text,
      log.metadata::text,
      log.application_name,
      host(log.client_addr),
      log.context_error,
      (
        SELECT known.types::text
        FROM known
        WHERE known.table_id = log.table_id AND known.since <= log.changed_at
        ORDER BY known.since DESC
        LIMIT 1
      )
    FROM log
    ORDER BY CASE WHEN ascending THEN log.id END, log.id DESC;
END
$function$;

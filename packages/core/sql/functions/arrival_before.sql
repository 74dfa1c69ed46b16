-- The event by which a row was last given a key, before another event; null if
-- none. For deferred keys alone, which two rows can have for a moment.
CREATE OR REPLACE FUNCTION :schema.arrival_before(tracked_id integer, object_id text, before bigint)
RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT max(event.id)
  FROM :schema.audit_event AS event
  WHERE event.table_id = $1 AND event.object_id = $2 AND event.id < before
    AND (event.operation IN ('I', 'S') OR event.old_object_id IS NOT NULL)
$function$;

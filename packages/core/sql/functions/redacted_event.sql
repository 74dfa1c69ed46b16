-- An event without what is erased from it, under a new salt. That a column changed
-- stays known, as of a masked one: of what is gone, masked tells where it changed.
--   names       of columns; those that the event does not hold do nothing
--   tombstones  {object_id: what takes its place}
CREATE OR REPLACE FUNCTION :schema.redacted_event(event :schema.audit_event, names text[], tombstones jsonb)
RETURNS :schema.audit_event
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  taken text[] := :schema.names_in(event, names);
BEGIN
  event.masked := nullif(ARRAY(
    SELECT unnest(event.masked)
    UNION
    SELECT name
    FROM unnest(taken) AS name
    WHERE coalesce(event.old -> name, CASE event.operation WHEN 'U' THEN event.new -> name END, 'null')::text
      IS DISTINCT FROM coalesce(event.new -> name, 'null')::text
    ORDER BY 1
  ), '{}');
  event.redacted := ARRAY(SELECT unnest(event.redacted) UNION SELECT unnest(taken) ORDER BY 1);
  event.old := event.old - taken;
  event.new := event.new - taken;
  event.meta := event.meta - taken;
  event.object_id := coalesce(tombstones ->> event.object_id, event.object_id);
  event.old_object_id := coalesce(tombstones ->> event.old_object_id, event.old_object_id);
  IF event.salt IS NOT NULL THEN
    event.salt := uuid_send(gen_random_uuid());
  END IF;
  RETURN event;
END
$function$;

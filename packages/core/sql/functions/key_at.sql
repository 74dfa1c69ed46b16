-- The object_id that a row has at a later moment, from the one that it had
-- behind an event; null if it has come to an end.
CREATE OR REPLACE FUNCTION :schema.key_at(tracked_id integer, object_id text, behind bigint, from_moment jsonb, to_moment jsonb)
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  key   text := object_id;
  bound bigint := behind;
  event record;
BEGIN
  LOOP
    SELECT next.id, next.operation, next.object_id, next.old_object_id, next.meta, :schema.is_after(to_moment, next.id, next.changed_at, next.txid) AS is_later
    INTO event
    FROM :schema.event_after(tracked_id, key, bound, from_moment) AS next;
    IF NOT FOUND OR event.is_later THEN
      RETURN key;
    END IF;
    bound := event.id;
    IF event.operation = 'T' THEN
      CONTINUE WHEN event.meta IS NOT NULL;
      RETURN NULL;
    ELSIF event.operation IN ('I', 'D') OR event.object_id = key AND event.old_object_id IS NOT NULL THEN
      RETURN NULL;
    END IF;
    key := event.object_id;
  END LOOP;
END
$function$;

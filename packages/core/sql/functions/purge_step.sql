-- The next step of a purge, and what it has done so far; null where it is done
-- already, or somebody else is at it. Each step is to be a transaction of its own.
CREATE OR REPLACE FUNCTION :schema.purge_step(purge_id bigint, detach boolean, patience interval)
RETURNS jsonb
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  batch CONSTANT integer := 10000;
  purge  :schema.audit_purge;
  leaves jsonb;
  is_done boolean := false;
BEGIN
  SELECT * INTO purge FROM :schema.audit_purge WHERE id = purge_id AND finished_at IS NULL FOR UPDATE SKIP LOCKED;
  IF NOT FOUND OR :schema.is_detaching(purge.leaver) THEN
    RETURN NULL;
  END IF;
  BEGIN
    IF purge.drops THEN
      leaves := :schema.purge_drop(purge_id, purge.place_log, detach, patience);
    END IF;
    IF leaves IS NULL THEN
      IF purge.place_log = 'audit_event' THEN
        PERFORM :schema.purge_events(purge_id, batch);
      ELSIF NOT :schema.purge_contexts(purge_id, batch) THEN
        UPDATE :schema.audit_purge SET finished_at = clock_timestamp() WHERE id = purge_id;
        is_done := true;
      END IF;
    END IF;
  EXCEPTION WHEN deadlock_detected THEN
    leaves := '{}';  -- with another purge: nothing was done, and the next step does it
  END;
  RETURN :schema.purge_report(purge_id) || jsonb_build_object('pending', NOT is_done) || CASE
    WHEN leaves ? 'partition' THEN jsonb_build_object('detach', leaves)
    ELSE '{}'
  END;
END
$function$;

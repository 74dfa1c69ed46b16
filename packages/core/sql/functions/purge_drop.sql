-- One step of dropping partitions for a purge, each in a transaction of its own:
-- a partition is noted, then detached, then dropped, so that whoever goes on
-- with a purge that was killed knows where it was. Returns null where nothing is
-- left to drop, else what is to be detached, or {}.
--
-- With detach it is detached here, which locks the log for an instant, as lock_log
-- does. Else whoever calls detaches it CONCURRENTLY, which no function can.
CREATE OR REPLACE FUNCTION :schema.purge_drop(purge_id bigint, log text, detach boolean, patience interval)
RETURNS jsonb
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  purge  :schema.audit_purge;
  leaver text;
  part   record;
BEGIN
  SELECT * INTO purge FROM :schema.audit_purge WHERE id = purge_id;
  FOREACH leaver IN ARRAY purge.partitions LOOP
    CONTINUE WHEN NOT starts_with(leaver, log) OR to_regclass(format('%I.%I', :'schema', leaver)) IS NULL;
    SELECT known.is_leaving INTO part FROM :schema.partitions_of(log) AS known WHERE known.relation = to_regclass(format('%I.%I', :'schema', leaver));
    IF NOT FOUND THEN
      PERFORM :schema.purge_rescue(log, leaver, purge.targets);
      EXECUTE format('DROP TABLE %I.%I', :'schema', leaver);
    ELSIF part.is_leaving THEN
      EXECUTE format('ALTER TABLE :schema.%I DETACH PARTITION %I.%I FINALIZE', log, :'schema', leaver);
    ELSIF detach THEN
      PERFORM :schema.lock_log(ARRAY[log], patience);
      EXECUTE format('ALTER TABLE :schema.%I DETACH PARTITION %I.%I', log, :'schema', leaver);
      PERFORM :schema.purge_rescue(log, leaver, purge.targets);
      EXECUTE format('DROP TABLE %I.%I', :'schema', leaver);
    ELSE
      RETURN jsonb_build_object('log', log, 'partition', leaver);
    END IF;
    RETURN '{}';
  END LOOP;

  SELECT * INTO part FROM :schema.droppable_partitions(log, purge.targets, purge.contexts_before, true);
  IF FOUND THEN
    UPDATE :schema.audit_purge AS own
    SET partitions = own.partitions || part.name,
      events = own.events + CASE log WHEN 'audit_event' THEN part.rows ELSE 0 END,
      contexts = own.contexts + CASE log WHEN 'audit_context' THEN part.rows ELSE 0 END,
      bytes = own.bytes + part.bytes,
      counts = :schema.added_counts(own.counts, part.counts)
    WHERE own.id = purge_id;
    RETURN '{}';
  END IF;
  PERFORM :schema.mend_start(log);
  RETURN NULL;
END
$function$;

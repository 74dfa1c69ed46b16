-- One step of dropping partitions for a purge, each in a transaction of its own:
-- a partition is noted as the leaver, then detached, then dropped, so that whoever
-- goes on with a purge that was killed knows where it was. What it held is counted
-- as it is dropped: by then another purge may have deleted of it, and each row is
-- counted once, by the purge that took it. Returns null where nothing is left to
-- drop, else what is to be detached, or {}.
--
-- With detach it is detached here, which locks the log for an instant, as lock_log
-- does. Else whoever calls detaches it CONCURRENTLY, which no function can.
CREATE OR REPLACE FUNCTION :schema.purge_drop(purge_id bigint, log text, detach boolean, patience interval)
RETURNS jsonb
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
#variable_conflict use_column
DECLARE
  purge    :schema.audit_purge;
  leaver   regclass;
  part     record;
  next     text;
  gone     jsonb;
  size     bigint;
BEGIN
  SELECT * INTO purge FROM :schema.audit_purge WHERE id = purge_id;
  IF purge.leaver IS NULL THEN
    -- one of all purges: which contexts are needed is told by events in the log, and those in a partition
    -- that leaves are not there any more. By the lock that retire takes next, which is before any partition's
    LOCK TABLE :schema.audit_seal IN SHARE ROW EXCLUSIVE MODE;
    IF :schema.missed_partition() IS NOT NULL THEN
      RETURN NULL;  -- its place is kept for it: see attach_again
    END IF;
    IF NOT EXISTS (SELECT FROM :schema.audit_purge AS other WHERE other.finished_at IS NULL AND other.leaver IS NOT NULL AND other.id <> purge_id) THEN
      SELECT * INTO next FROM :schema.droppable_partitions(log, purge.targets, purge.contexts_before, true);
    END IF;
    IF next IS NULL THEN
      PERFORM :schema.mend_start(log);
      RETURN NULL;
    END IF;
    IF log = 'audit_event' THEN
      -- while it is in its place: it stays there where it is not what was sealed
      PERFORM :schema.retire(purge_id, format('%I.%I', :'schema', next), purge.targets, NULL, NULL, false);
    END IF;
    UPDATE :schema.audit_purge AS own SET leaver = next WHERE own.id = purge_id;
    RETURN '{}';
  END IF;

  leaver := to_regclass(format('%I.%I', :'schema', purge.leaver));
  SELECT known.is_leaving INTO part FROM :schema.partitions_of(log) AS known WHERE known.relation = leaver;
  IF part.is_leaving THEN
    PERFORM :schema.finish_detaching(log, purge.leaver, patience);
  ELSIF FOUND AND detach THEN
    PERFORM :schema.lock_log(ARRAY[log], patience);
    IF EXISTS (SELECT FROM :schema.partitions_of(log) AS known WHERE known.relation = leaver AND NOT known.is_leaving) THEN
      EXECUTE format('ALTER TABLE :schema.%I DETACH PARTITION %s', log, leaver);
    END IF;
  ELSIF FOUND THEN
    RETURN jsonb_build_object('log', log, 'partition', purge.leaver);
  ELSE
    LOCK TABLE :schema.audit_seal IN SHARE ROW EXCLUSIVE MODE;
    -- where two purges were at it, the other may have dropped it: then it is on its record
    IF :schema.hold_partition(purge.leaver, 'ACCESS EXCLUSIVE') THEN
      IF log = 'audit_event' THEN
        PERFORM :schema.retire(purge_id, leaver::text, purge.targets, NULL, NULL);
      END IF;
      gone := :schema.purge_rescue(log, purge.leaver, purge.targets);
      size := pg_total_relation_size(leaver);
      EXECUTE format('DROP TABLE %s', leaver);
    END IF;
    UPDATE :schema.audit_purge AS own
    SET leaver = NULL,
      partitions = own.partitions || CASE WHEN gone IS NOT NULL THEN ARRAY[purge.leaver] END,
      events = own.events + CASE log WHEN 'audit_event' THEN lost.number ELSE 0 END,
      contexts = own.contexts + CASE log WHEN 'audit_context' THEN lost.number ELSE 0 END,
      bytes = own.bytes + coalesce(size, 0),
      counts = CASE log WHEN 'audit_event' THEN :schema.added_counts(own.counts, coalesce(gone, '{}')) ELSE own.counts END
    FROM (SELECT coalesce(sum(value::bigint), 0) AS number FROM jsonb_each_text(gone)) AS lost
    WHERE own.id = purge_id;
  END IF;
  RETURN '{}';
END
$function$;

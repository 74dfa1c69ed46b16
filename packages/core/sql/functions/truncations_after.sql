-- The truncations of a table after a moment, those of partitions as well: how
-- many, the last one's time, and the first one of the whole table.
CREATE OR REPLACE FUNCTION :schema.truncations_after(
  tracked_id integer, moment jsonb, OUT number bigint, OUT last timestamptz, OUT first_whole bigint
)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET jit = off
AS $function$
DECLARE
  m record := :schema.moment_parts(moment);
BEGIN
  SELECT count(*), max(log.changed_at), min(log.id) FILTER (WHERE log.meta IS NULL)
  INTO number, last, first_whole
  FROM :schema.audit_event AS log
  WHERE log.table_id = tracked_id AND log.object_id IS NULL AND log.operation = 'T'
    AND log.changed_at >= m.earliest
    AND :schema.is_later(m.at, m.event, m.open, m.open_since, m.snapshot, m.unseen_since, log.id, log.changed_at, log.txid);
END
$function$;

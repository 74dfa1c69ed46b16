-- The last event of the row that has a key, or truncation of its table, ahead of
-- an event and not after a moment. As event_after it is planned once.
CREATE OR REPLACE FUNCTION :schema.event_before(tracked_id integer, key text, ahead bigint, moment jsonb)
RETURNS TABLE (
  id bigint, changed_at timestamptz, txid xid8, operation "char", image "char", object_id text, old_object_id text,
  old jsonb, new jsonb, masked text[], meta jsonb
)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET jit = off
AS $function$
DECLARE
  m record := :schema.moment_parts(moment);
BEGIN
  RETURN QUERY
    SELECT (last.log).id, (last.log).changed_at, (last.log).txid, (last.log).operation, (last.log).image,
      (last.log).object_id, (last.log).old_object_id, (last.log).old, (last.log).new, (last.log).masked, (last.log).meta
    FROM (
      (
        SELECT log
        FROM :schema.audit_event AS log
        WHERE log.table_id = $1 AND log.object_id = $2 AND log.id < $3
          AND log.changed_at <= CASE WHEN m.event IS NULL THEN m.at ELSE 'infinity' END AND NOT :schema.is_later(m.at, m.event, m.open, m.open_since, m.snapshot, m.unseen_since, log.id, log.changed_at, log.txid)
        ORDER BY log.id DESC
        LIMIT 1
      )
      UNION ALL
      (
        SELECT log
        FROM :schema.audit_event AS log
        WHERE log.table_id = $1 AND log.old_object_id = $2 AND log.id < $3
          AND log.changed_at <= CASE WHEN m.event IS NULL THEN m.at ELSE 'infinity' END AND NOT :schema.is_later(m.at, m.event, m.open, m.open_since, m.snapshot, m.unseen_since, log.id, log.changed_at, log.txid)
        ORDER BY log.id DESC
        LIMIT 1
      )
      UNION ALL
      (
        SELECT log
        FROM :schema.audit_event AS log
        WHERE log.table_id = $1 AND log.object_id IS NULL AND log.operation = 'T' AND log.id < $3
          AND log.changed_at <= CASE WHEN m.event IS NULL THEN m.at ELSE 'infinity' END AND NOT :schema.is_later(m.at, m.event, m.open, m.open_since, m.snapshot, m.unseen_since, log.id, log.changed_at, log.txid)
        ORDER BY log.object_id DESC, log.id DESC  -- the index of rows has this order
        LIMIT 1
      )
    ) AS last
    ORDER BY (last.log).id DESC
    LIMIT 1;
END
$function$;

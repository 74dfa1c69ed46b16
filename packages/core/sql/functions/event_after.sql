-- The first event of the row that has a key, or truncation of its table, behind
-- an event and after a moment.
--
-- It reads the log itself, not the view, and is planned once for a session: a
-- plan for years of months takes longer than what it finds. The moment leaves
-- out the months before it.
CREATE OR REPLACE FUNCTION :schema.event_after(tracked_id integer, key text, behind bigint, moment jsonb)
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
    SELECT (first.log).id, (first.log).changed_at, (first.log).txid, (first.log).operation, (first.log).image,
      (first.log).object_id, (first.log).old_object_id, (first.log).old, (first.log).new, (first.log).masked, (first.log).meta
    FROM (
      (
        SELECT log
        FROM :schema.audit_event AS log
        WHERE log.table_id = $1 AND log.object_id = $2 AND log.id > $3
          AND log.changed_at >= m.earliest AND :schema.is_later(m.at, m.event, m.open, m.open_since, m.snapshot, m.unseen_since, log.id, log.changed_at, log.txid)
        ORDER BY log.id
        LIMIT 1
      )
      UNION ALL
      (
        SELECT log
        FROM :schema.audit_event AS log
        WHERE log.table_id = $1 AND log.old_object_id = $2 AND log.id > $3
          AND log.changed_at >= m.earliest AND :schema.is_later(m.at, m.event, m.open, m.open_since, m.snapshot, m.unseen_since, log.id, log.changed_at, log.txid)
        ORDER BY log.id
        LIMIT 1
      )
      UNION ALL
      (
        SELECT log
        FROM :schema.audit_event AS log
        WHERE log.table_id = $1 AND log.object_id IS NULL AND log.operation = 'T' AND log.id > $3
          AND log.changed_at >= m.earliest AND :schema.is_later(m.at, m.event, m.open, m.open_since, m.snapshot, m.unseen_since, log.id, log.changed_at, log.txid)
        ORDER BY log.object_id, log.id  -- the index of rows has this order
        LIMIT 1
      )
    ) AS first
    ORDER BY (first.log).id
    LIMIT 1;
END
$function$;

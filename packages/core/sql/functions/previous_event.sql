-- The last event of the row that has a key, or truncation of its table, ahead of
-- an event and not after a moment.
CREATE OR REPLACE FUNCTION :schema.previous_event(tracked_id integer, object_id text, ahead bigint, moment jsonb)
RETURNS SETOF :schema.auditlog
LANGUAGE sql STABLE
AS $function$
  SELECT event.*
  FROM :schema.auditlog AS event
  WHERE event.id = (
    SELECT pg_catalog.max(previous.id)
    FROM (
      (
        SELECT log.id
        FROM :schema.auditlog AS log
        WHERE log.table_id = $1 AND log.object_id = $2 AND log.id < $3
          AND NOT :schema.is_after($4, log.id, log.changed_at, log.txid)
        ORDER BY log.id DESC
        LIMIT 1
      )
      UNION ALL
      (
        SELECT log.id
        FROM :schema.auditlog AS log
        WHERE log.table_id = $1 AND log.old_object_id = $2 AND log.id < $3
          AND NOT :schema.is_after($4, log.id, log.changed_at, log.txid)
        ORDER BY log.id DESC
        LIMIT 1
      )
      UNION ALL
      (
        SELECT log.id
        FROM :schema.auditlog AS log
        WHERE log.table_id = $1 AND log.object_id IS NULL AND log.operation = 'truncate' AND log.id < $3
          AND NOT :schema.is_after($4, log.id, log.changed_at, log.txid)
        ORDER BY log.id DESC
        LIMIT 1
      )
    ) AS previous
  )
$function$;

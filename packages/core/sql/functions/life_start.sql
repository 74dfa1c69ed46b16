-- From which event on an object_id meant the row that it meant just before an
-- event: keys are used again, by other rows. The event that gave the row the
-- key, or the one behind that in which another row lost it; 0 if there is none.
-- As event_after it is planned once.
CREATE OR REPLACE FUNCTION :schema.life_start(tracked_id integer, object_id text, before bigint)
RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET jit = off
AS $function$
BEGIN
  RETURN (
    SELECT coalesce(max(bound.id), 0)
    FROM (
      (
        SELECT event.id + CASE WHEN event.operation = 'D' THEN 1 ELSE 0 END AS id
        FROM :schema.audit_event AS event
        WHERE event.table_id = $1 AND event.object_id = $2 AND event.id < $3
          AND (event.operation IN ('I', 'S', 'D') OR event.old_object_id IS NOT NULL)
        ORDER BY event.id DESC
        LIMIT 1
      )
      UNION ALL
      (
        SELECT event.id + 1
        FROM :schema.audit_event AS event
        WHERE event.table_id = $1 AND event.old_object_id = $2 AND event.id < $3
        ORDER BY event.id DESC
        LIMIT 1
      )
      UNION ALL
      (
        -- a truncation of the whole table: of a partition it is not known whose rows
        SELECT event.id + 1
        FROM :schema.audit_event AS event
        WHERE event.table_id = $1 AND event.object_id IS NULL AND event.operation = 'T' AND event.meta IS NULL AND event.id < $3
        ORDER BY event.object_id DESC, event.id DESC  -- the index of rows has this order
        LIMIT 1
      )
    ) AS bound
  );
END
$function$;

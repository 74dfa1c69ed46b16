-- Where the events of a row are that values can be erased from: its history, and
-- also what it was called after it had the key that it is asked for by. Without
-- truncations, which hold no values.
CREATE OR REPLACE FUNCTION :schema.erasable_events(tracked_id integer, object_id text)
RETURNS TABLE (id bigint, changed_at timestamptz)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan
SET enable_seqscan = off
SET jit = off
AS $function$
#variable_conflict use_column
DECLARE
  moved record;
  next  record;
BEGIN
  RETURN QUERY
    SELECT own.id, own.changed_at
    FROM :schema.row_events(tracked_id, erasable_events.object_id) AS own
    JOIN :schema.audit_event AS event ON event.id = own.id AND event.changed_at = own.changed_at
    WHERE event.operation <> 'T';

  FOR moved IN
    SELECT event.id, event.object_id FROM :schema.audit_event AS event
    WHERE event.table_id = tracked_id AND event.old_object_id = erasable_events.object_id
  LOOP
    LOOP
      -- what ends its life under this key: it is deleted, given another key, or another row has the key
      SELECT event.id, event.object_id, event.operation, coalesce(event.old_object_id = moved.object_id, false) AS is_moved
      INTO next
      FROM (
        (
          SELECT * FROM :schema.audit_event AS event
          WHERE event.table_id = tracked_id AND event.object_id = moved.object_id AND event.id > moved.id
            AND (event.operation IN ('I', 'D') OR event.old_object_id IS NOT NULL)
          ORDER BY event.id LIMIT 1
        )
        UNION ALL
        (
          SELECT * FROM :schema.audit_event AS event
          WHERE event.table_id = tracked_id AND event.old_object_id = moved.object_id AND event.id > moved.id
          ORDER BY event.id LIMIT 1
        )
        UNION ALL
        (
          SELECT * FROM :schema.audit_event AS event
          WHERE event.table_id = tracked_id AND event.object_id IS NULL AND event.operation = 'T' AND event.meta IS NULL AND event.id > moved.id
          ORDER BY event.id LIMIT 1
        )
      ) AS event
      ORDER BY event.id
      LIMIT 1;
      RETURN QUERY
        SELECT event.id, event.changed_at FROM :schema.audit_event AS event
        WHERE event.table_id = tracked_id AND event.id > moved.id AND event.id <= coalesce(next.id, 9223372036854775807)
          AND (
            event.object_id = moved.object_id AND (next.id IS NULL OR event.id < next.id OR next.operation = 'D')
            OR next.is_moved AND event.id = next.id
          );
      EXIT WHEN next.is_moved IS NOT TRUE;
      moved := next;
    END LOOP;
  END LOOP;
END
$function$;

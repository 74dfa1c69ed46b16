-- A row of a tracked table as the log had it last, before an event, by its
-- object_id: its last whole image, and over it the columns that changed since.
-- Null where there is no whole one.
CREATE OR REPLACE FUNCTION :schema.logged_row(tracked_id integer, object_id text, before bigint DEFAULT 9223372036854775807)
RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
#variable_conflict use_column
DECLARE
  last  record;
  later jsonb;
BEGIN
  SELECT known.*
  INTO last
  FROM (
    (
      SELECT event.id, event.image, event.old_object_id, coalesce(event.new, event.old) AS row
      FROM :schema.audit_event AS event
      WHERE event.table_id = $1 AND event.object_id = $2 AND event.id < before
        -- one that a part tells of had another key
        AND (event.image = 'f' OR event.image = 'c' AND event.old_object_id IS NOT NULL)
      ORDER BY event.id DESC
      LIMIT 1
    )
    UNION ALL
    (
      -- when it was given another key
      SELECT event.id, event.image, NULL, event.new || event.old
      FROM :schema.audit_event AS event
      WHERE event.table_id = $1 AND event.old_object_id = $2 AND event.id < before AND event.image = 'f'
      ORDER BY event.id DESC
      LIMIT 1
    )
  ) AS known
  ORDER BY known.id DESC
  LIMIT 1;
  IF last.id IS NULL THEN
    RETURN NULL;
  ELSIF last.image = 'c' THEN
    last.row := :schema.logged_row(tracked_id, last.old_object_id, last.id) || last.row;
  END IF;
  SELECT :schema.folded(array_agg(event.new ORDER BY event.id))
  INTO later
  FROM :schema.audit_event AS event
  WHERE event.table_id = $1 AND event.object_id = $2 AND event.id > last.id AND event.id < before AND event.image = 'c';
  RETURN last.row || coalesce(later, '{}');
END
$function$;

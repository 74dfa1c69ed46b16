-- Where the events of a row are, newest first where there is a size: of all rows
-- that ever had the key, and from each that was given it by an update back to when
-- it had another. A truncation of the table is one of them. As event_after it is
-- planned once.
CREATE OR REPLACE FUNCTION :schema.row_events(tracked_id integer, object_id text, ahead bigint DEFAULT NULL, size integer DEFAULT NULL)
RETURNS TABLE (id bigint, changed_at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET jit = off
AS $function$
#variable_conflict use_column
DECLARE
  -- only of these the columns may have changed their order, so that object_id meant another row
  is_composite boolean := (SELECT cardinality(known.key_columns) > 1 FROM :schema.audit_table AS known WHERE known.id = tracked_id);
BEGIN
  IF NOT EXISTS (SELECT FROM :schema.audit_event AS moved WHERE moved.table_id = $1 AND moved.old_object_id IS NOT NULL) THEN
    RETURN QUERY
      SELECT log.id, log.changed_at
      FROM :schema.audit_event AS log
      WHERE log.table_id = $1 AND log.object_id = $2 AND log.id < coalesce($3, 9223372036854775807)
        AND (NOT is_composite OR :schema.is_row($1, coalesce(log.new, log.old), $2))
      ORDER BY log.id DESC
      LIMIT $4;
    RETURN QUERY
      SELECT log.id, log.changed_at
      FROM :schema.audit_event AS log
      WHERE log.table_id = $1 AND log.object_id IS NULL AND log.operation = 'T' AND log.id < coalesce($3, 9223372036854775807)
        AND EXISTS (
          SELECT FROM :schema.audit_event AS older
          WHERE older.table_id = $1 AND older.object_id = $2 AND older.id < log.id
            AND (NOT is_composite OR :schema.is_row($1, coalesce(older.new, older.old), $2))
        );
    RETURN;
  END IF;

  RETURN QUERY
    WITH RECURSIVE life (object_id, since, until) AS (
      -- every row that had this key, and from each that was given it by an update back to the one
      -- row that had the former key at that time
      SELECT $2 COLLATE "C", 0::bigint, 9223372036854775807
      UNION
      SELECT moved.old_object_id, :schema.life_start($1, moved.old_object_id, moved.id), moved.id
      FROM life
      JOIN :schema.audit_event AS moved
        ON moved.table_id = $1 AND moved.object_id = life.object_id AND moved.old_object_id IS NOT NULL
        AND moved.id >= life.since AND moved.id < life.until
    ), event (id, changed_at) AS (
      SELECT log.id, log.changed_at
      FROM life
      JOIN :schema.audit_event AS log
        ON log.table_id = $1 AND log.object_id = life.object_id
        AND log.id >= life.since AND log.id < life.until
      WHERE NOT is_composite OR :schema.is_row($1, coalesce(log.new, log.old), life.object_id)
      UNION
      -- when it was given another key
      SELECT log.id, log.changed_at
      FROM life
      JOIN :schema.audit_event AS log
        ON log.table_id = $1 AND log.old_object_id = life.object_id AND log.id < life.until
      WHERE life.until = 9223372036854775807
        AND (NOT is_composite OR :schema.is_row($1, log.new || log.old, life.object_id))
    )
    SELECT event.* FROM event
    UNION ALL
    SELECT log.id, log.changed_at
    FROM :schema.audit_event AS log
    WHERE log.table_id = $1 AND log.object_id IS NULL AND log.operation = 'T'
      AND log.id > (SELECT min(event.id) FROM event);
END
$function$;

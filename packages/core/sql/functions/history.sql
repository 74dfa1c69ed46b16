-- The events of a table or of one row of it, newest first:
--   select * from auditrum.history('orders', '42');
--   select * from auditrum.history('order_items', '[7, 2]');
-- The table as in any statement (quoted where it must be, or dropped long ago);
-- object_id as in the view, the parts of a composite key in the order of the
-- key. All rows that ever had the key are there, and from each that was given
-- it by an update it is followed back to when it had another; a truncation of
-- the table is part of the history.
-- Everything is qualified, because the caller's search_path is needed for the
-- name of the table, and would else decide what the rest means.
CREATE OR REPLACE FUNCTION :schema.history(table_name text, object_id text DEFAULT NULL)
RETURNS SETOF :schema.auditlog
LANGUAGE sql STABLE
AS $function$
  WITH RECURSIVE tracked AS MATERIALIZED (
    SELECT
      found.id,
      CASE WHEN $2 IS NOT NULL THEN :schema.row_id(found.id, pg_catalog.to_jsonb($2)) END COLLATE "C" AS object_id
    FROM (
      SELECT :schema.table_id(
        CASE WHEN pg_catalog.cardinality(pg_catalog.parse_ident($1)) = 1 THEN pg_catalog.to_regclass($1) END,
        pg_catalog.parse_ident($1)
      ) AS id
    ) AS found
  ), life (object_id, since, until) AS (
    -- every row that had this key, and from each that was given it by an update back to the one
    -- row that had the former key at that time
    SELECT tracked.object_id, 0::bigint, 9223372036854775807
    FROM tracked
    UNION
    SELECT moved.old_object_id, :schema.life_start(moved.table_id, moved.old_object_id, moved.id), moved.id
    FROM life
    JOIN :schema.auditlog AS moved
      ON moved.table_id = (SELECT id FROM tracked) AND moved.object_id = life.object_id
      AND moved.id >= life.since AND moved.id < life.until
    WHERE moved.old_object_id IS NOT NULL
  ), event (id) AS (
    SELECT log.id
    FROM life
    JOIN :schema.auditlog AS log
      ON log.table_id = (SELECT id FROM tracked) AND log.object_id = life.object_id
      AND log.id >= life.since AND log.id < life.until
    WHERE :schema.is_row(log.table_id, coalesce(log.new_data, log.old_data), life.object_id)
    UNION
    -- when it was given another key
    SELECT log.id
    FROM life
    JOIN :schema.auditlog AS log
      ON log.table_id = (SELECT id FROM tracked) AND log.old_object_id = life.object_id AND log.id < life.until
    WHERE life.until = 9223372036854775807
      AND :schema.is_row(log.table_id, log.old_data, life.object_id)
  )
  SELECT log.*
  FROM :schema.auditlog AS log
  WHERE log.table_id = (SELECT id FROM tracked)
    AND (
      $2 IS NULL
      OR log.id IN (SELECT id FROM event)
      OR (log.object_id IS NULL AND log.operation = 'truncate' AND log.id > (SELECT pg_catalog.min(id) FROM event))
    )
  ORDER BY log.id DESC
$function$;

-- The events of a table or of one row of it, newest first:
--   select * from auditrum.history('orders', '42');
--   select * from auditrum.history('order_items', '[7, 2]');
-- The table as in any statement (quoted where it must be, or dropped long ago);
-- object_id as in the view, the parts of a composite key in the order of the
-- key. The row is followed back through changes of its key, and a truncation
-- of the table is part of its history.
CREATE OR REPLACE FUNCTION :schema.history(table_name text, object_id text DEFAULT NULL)
RETURNS SETOF :schema.auditlog
LANGUAGE sql STABLE
AS $function$
  WITH RECURSIVE tracked AS MATERIALIZED (
    SELECT
      found.id,
      CASE WHEN $2 IS NOT NULL THEN :schema.row_id(found.id, to_jsonb($2)) END COLLATE "C" AS object_id
    FROM (
      SELECT :schema.table_id(
        CASE WHEN cardinality(parse_ident($1)) = 1 THEN to_regclass($1) END,
        parse_ident($1)
      ) AS id
    ) AS found
  ), name (object_id, until) AS (
    SELECT tracked.object_id, 9223372036854775807
    FROM tracked
    UNION
    SELECT log.old_object_id, log.id
    FROM name
    JOIN :schema.auditlog AS log
      ON log.table_id = (SELECT id FROM tracked) AND log.object_id = name.object_id AND log.id < name.until
    WHERE log.old_object_id IS NOT NULL
  ), event (id) AS (
    SELECT log.id
    FROM name
    JOIN :schema.auditlog AS log
      ON log.table_id = (SELECT id FROM tracked) AND log.object_id = name.object_id AND log.id < name.until
    WHERE :schema.is_row(log.table_id, coalesce(log.new_data, log.old_data), name.object_id)
    UNION
    SELECT log.id
    FROM name
    JOIN :schema.auditlog AS log
      ON log.table_id = (SELECT id FROM tracked) AND log.old_object_id = name.object_id AND log.id < name.until
    WHERE :schema.is_row(log.table_id, log.old_data, name.object_id)
  )
  SELECT log.*
  FROM :schema.auditlog AS log
  WHERE log.table_id = (SELECT id FROM tracked)
    AND (
      $2 IS NULL
      OR log.id IN (SELECT id FROM event)
      OR (log.object_id IS NULL AND log.operation = 'truncate' AND log.id > (SELECT min(id) FROM event))
    )
  ORDER BY log.id DESC
$function$;

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
  WITH tracked AS MATERIALIZED (
    SELECT :schema.table_id(
      CASE WHEN pg_catalog.cardinality(pg_catalog.parse_ident($1)) = 1 THEN pg_catalog.to_regclass($1) END,
      pg_catalog.parse_ident($1)
    ) AS id
  ), place AS MATERIALIZED (
    SELECT coalesce(pg_catalog.array_agg(event.id), '{}') AS ids, coalesce(pg_catalog.array_agg(event.changed_at), '{}') AS times
    FROM tracked CROSS JOIN LATERAL :schema.row_events(tracked.id, :schema.row_id(tracked.id, pg_catalog.to_jsonb($2))) AS event
    WHERE $2 IS NOT NULL
  )
  SELECT log.*
  FROM (
    SELECT event.* FROM place CROSS JOIN LATERAL :schema.events_at(place.ids, place.times) AS event
    UNION ALL
    SELECT event.* FROM :schema.auditlog AS event WHERE $2 IS NULL AND event.table_id = (SELECT id FROM tracked)
  ) AS log
  ORDER BY log.id DESC
$function$;

-- The values that a column of a row had, oldest first:
--   select * from auditrum.column_history('orders', '42', 'status');
-- The row is followed back through changes of its key, as in history, and the
-- column through renaming. since is null where the value is older than the log,
-- until where it is the present one; a deletion ends it. A masked value is null, as one is that was erased since.
-- Everything is qualified, because the caller's search_path is needed for the
-- name of the table, and would else decide what the rest means.
DROP FUNCTION IF EXISTS :schema.column_history(text, text, text);  -- it did not return erased
CREATE OR REPLACE FUNCTION :schema.column_history(table_name text, object_id text, column_name text)
RETURNS TABLE (
  value         jsonb,
  since         timestamptz,
  until         timestamptz,
  event_id      bigint,
  operation     text,
  user_id       text,
  change_reason text,
  source        text,
  db_user       text,
  masked        boolean,
  erased        boolean
)
LANGUAGE sql STABLE
AS $function$
  WITH wanted AS MATERIALIZED (
    SELECT
      found.id AS tracked_id,
      :schema.row_id(found.id, pg_catalog.to_jsonb($2)) AS object_id,
      :schema.known_column(found.id, $3) AS column_name
    FROM (
      SELECT :schema.table_id(CASE WHEN pg_catalog.cardinality(pg_catalog.parse_ident($1)) = 1 THEN pg_catalog.to_regclass($1) END, pg_catalog.parse_ident($1)) AS id
    ) AS found
  )
  SELECT period.*
  FROM wanted
  CROSS JOIN LATERAL (
    SELECT pg_catalog.array_agg(event.id) AS ids, pg_catalog.array_agg(event.changed_at) AS times
    FROM :schema.row_events(wanted.tracked_id, wanted.object_id) AS event
  ) AS place
  CROSS JOIN LATERAL :schema.column_periods(
    wanted.tracked_id, wanted.object_id, wanted.column_name,
    place.ids, place.times
  ) AS period
  ORDER BY period.event_id NULLS FIRST
$function$;

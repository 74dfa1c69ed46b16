-- Who gave each column of a row its present value, latest change first:
--   select * from auditrum.blame('orders', '42');
--   select * from auditrum.blame('orders', '42', 'status');
-- A row that is gone begins with a line without column_name: the deletion. A
-- column whose value is older than the log has a line without an event, or with
-- its snapshot: that tells the value, and not who gave it.
-- Everything is qualified, because the caller's search_path is needed for the
-- name of the table, and would else decide what the rest means.
CREATE OR REPLACE FUNCTION :schema.blame(table_name text, object_id text, column_name text DEFAULT NULL)
RETURNS TABLE (
  column_name   text,
  value         jsonb,
  changed_at    timestamptz,
  user_id       text,
  change_reason text,
  source        text,
  operation     text,
  db_user       text,
  masked        boolean,
  event_id      bigint,
  context_uuid  uuid
)
LANGUAGE sql STABLE
AS $function$
  SELECT line.*
  FROM (
    SELECT :schema.table_id(CASE WHEN pg_catalog.cardinality(pg_catalog.parse_ident($1)) = 1 THEN pg_catalog.to_regclass($1) END, pg_catalog.parse_ident($1)) AS id
  ) AS found
  -- null would be the whole table's history: let row_id refuse it
  CROSS JOIN LATERAL :schema.row_blame(found.id, :schema.row_id(found.id, pg_catalog.to_jsonb($2)), $3) AS line
$function$;

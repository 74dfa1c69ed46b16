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
  WITH RECURSIVE wanted AS MATERIALIZED (
    SELECT
      found.id AS table_id,
      -- null would be the whole table's history: let row_id refuse it
      :schema.row_id(found.id, pg_catalog.to_jsonb($2)) AS object_id,
      :schema.known_column(found.id, $3) AS column_name
    FROM (
      SELECT :schema.table_id(CASE WHEN pg_catalog.cardinality(pg_catalog.parse_ident($1)) = 1 THEN pg_catalog.to_regclass($1) END, pg_catalog.parse_ident($1)) AS id
    ) AS found
  ), past AS MATERIALIZED (
    SELECT history.* FROM wanted CROSS JOIN LATERAL :schema.history($1, wanted.object_id) AS history
  ), ended AS MATERIALIZED (
    -- the last event, if it was the end of the row, or gave it another key
    SELECT newest.*
    FROM (SELECT * FROM past WHERE operation <> 'truncate' OR meta IS NULL ORDER BY id DESC LIMIT 1) AS newest
    WHERE newest.operation IN ('delete', 'truncate')
       OR newest.object_id IS DISTINCT FROM (SELECT object_id FROM wanted)
  ), life (object_id, since, until) AS (
    -- the row that has this key now, or had it last, back through changes of its key
    SELECT wanted.object_id COLLATE "C", :schema.life_start(wanted.table_id, wanted.object_id, last.id), last.id
    FROM wanted
    CROSS JOIN (SELECT coalesce((SELECT id FROM ended), 9223372036854775807) AS id) AS last
    UNION ALL
    SELECT moved.old_object_id, :schema.life_start(moved.table_id, moved.old_object_id, moved.id), moved.id
    FROM life JOIN past AS moved ON moved.id = life.since AND moved.object_id = life.object_id
    WHERE moved.old_object_id IS NOT NULL
  ), history AS MATERIALIZED (
    SELECT past.*
    FROM past JOIN life ON past.object_id = life.object_id AND past.id >= life.since AND past.id < life.until
  ), change AS (
    SELECT history.*, changed.name AS changed_column, changed.name = ANY (history.masked) AS is_masked
    FROM history
    CROSS JOIN LATERAL (
      SELECT pg_catalog.jsonb_object_keys(CASE WHEN history.operation = 'update' THEN history.diff ELSE history.new_data END)
      UNION
      SELECT pg_catalog.unnest(history.masked)
    ) AS changed (name)
    UNION ALL
    SELECT ended.*, NULL, NULL FROM ended
  ), latest AS (
    SELECT DISTINCT ON (change.changed_column) change.*
    FROM change
    ORDER BY change.changed_column, change.id DESC
  ), older AS (
    SELECT DISTINCT ON (known.key) known.key, known.value
    FROM history CROSS JOIN LATERAL pg_catalog.jsonb_each(coalesce(history.new_data, history.old_data)) AS known
    WHERE NOT EXISTS (SELECT FROM latest WHERE latest.changed_column = known.key)
    ORDER BY known.key, history.id DESC
  ), line AS (
    SELECT
      latest.changed_column AS name, latest.new_data -> latest.changed_column AS value, known.changed_at,
      known.user_id, known.change_reason, known.source, latest.operation, known.db_user,
      coalesce(latest.is_masked, false) AS masked, latest.id, known.context_uuid
    FROM latest
    LEFT JOIN latest AS known ON latest.operation <> 'snapshot' AND known.changed_column IS NOT DISTINCT FROM latest.changed_column
    UNION ALL
    SELECT older.key, older.value, NULL, NULL, NULL, NULL, NULL, NULL, false, NULL, NULL
    FROM older
  )
  SELECT *
  FROM line
  WHERE line.name IS NULL OR (SELECT wanted.column_name IS NULL OR wanted.column_name = line.name FROM wanted)
  ORDER BY line.id DESC NULLS LAST, line.name
$function$;

-- The lines of blame, of the row of a table that has an object_id. As event_after
-- it is planned once: that takes longer than what it finds.
CREATE OR REPLACE FUNCTION :schema.row_blame(tracked_id integer, wanted_id text, wanted_column text DEFAULT NULL)
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
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET jit = off
AS $function$
#variable_conflict use_column
BEGIN
  RETURN QUERY
    WITH RECURSIVE wanted AS MATERIALIZED (
      SELECT $1 AS table_id, $2 AS object_id, :schema.known_column($1, $3) AS column_name
    ), past AS MATERIALIZED (
      SELECT event.*
      FROM (SELECT array_agg(place.id) AS ids, array_agg(place.changed_at) AS times FROM :schema.row_events($1, $2) AS place) AS places
      CROSS JOIN LATERAL :schema.events_at(places.ids, places.times) AS event
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
        SELECT jsonb_object_keys(CASE WHEN history.operation = 'update' THEN history.diff ELSE history.new_data END)
        UNION
        SELECT unnest(history.masked)
      ) AS changed (name)
      UNION ALL
      SELECT ended.*, NULL, NULL FROM ended
    ), latest AS (
      SELECT DISTINCT ON (change.changed_column) change.*
      FROM change
      ORDER BY change.changed_column, change.id DESC
    ), older AS (
      SELECT DISTINCT ON (known.key) known.key, known.value
      FROM history CROSS JOIN LATERAL jsonb_each(coalesce(history.new_data, history.old_data)) AS known
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
    ORDER BY line.id DESC NULLS LAST, line.name;
END
$function$;

-- Who gave each column of a row its present value, latest change first:
--   select * from auditrum.blame('orders', '42');
--   select * from auditrum.blame('orders', '42', 'status');
-- A row that is gone begins with a line without column_name: the deletion.
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
  WITH history AS MATERIALIZED (
    SELECT * FROM :schema.history($1, $2)
  ), change AS (
    SELECT history.*, changed.name AS changed_column, changed.name = ANY (history.masked) AS is_masked
    FROM history
    CROSS JOIN LATERAL (
      SELECT jsonb_object_keys(CASE WHEN history.operation = 'update' THEN history.diff ELSE history.new_data END)
      WHERE history.operation IN ('insert', 'snapshot', 'update')
      UNION
      SELECT unnest(history.masked)
      WHERE history.operation IN ('insert', 'snapshot', 'update')
      UNION ALL
      SELECT NULL WHERE history.operation IN ('delete', 'truncate')
    ) AS changed (name)
  ), latest AS (
    SELECT DISTINCT ON (change.changed_column) change.*
    FROM change
    ORDER BY change.changed_column, change.id DESC
  )
  SELECT
    latest.changed_column, latest.new_data -> latest.changed_column, latest.changed_at,
    latest.user_id, latest.change_reason, latest.source, latest.operation, latest.db_user,
    coalesce(latest.is_masked, false), latest.id, latest.context_uuid
  FROM latest
  WHERE CASE
    WHEN latest.changed_column IS NULL THEN latest.id = (SELECT max(id) FROM history)
    ELSE $3 IS NULL OR latest.changed_column = $3
  END
  ORDER BY latest.id DESC, latest.changed_column
$function$;

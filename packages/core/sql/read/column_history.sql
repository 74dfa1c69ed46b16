-- The values of a column, as functions/column_history.sql finds them, ready to be read exactly.
WITH tracked AS MATERIALIZED (
  SELECT :schema.table_id(CASE WHEN pg_catalog.cardinality(pg_catalog.parse_ident($1)) = 1 THEN pg_catalog.to_regclass($1) END, pg_catalog.parse_ident($1)) AS id
)
SELECT
  period.value::text,
  pg_catalog.to_char(period.since AT TIME ZONE 'UTC'::text, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS since,
  pg_catalog.to_char(period.until AT TIME ZONE 'UTC'::text, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS until,
  period.event_id::text,
  period.operation,
  period.user_id,
  period.change_reason,
  period.source,
  period.db_user,
  period.masked::integer AS masked,
  period.erased::integer AS erased,
  :schema.column_types(tracked.id, coalesce(period.since, period.until, pg_catalog.now())) ->> $3 AS column_type
FROM tracked CROSS JOIN LATERAL :schema.column_history($1, :schema.row_id(tracked.id, $2::text::jsonb), $3) AS period
ORDER BY period.event_id NULLS FIRST

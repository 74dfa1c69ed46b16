-- Who gave each column its value, as functions/row_blame.sql finds it, ready to be read exactly.
WITH tracked AS MATERIALIZED (
  SELECT :schema.table_id(CASE WHEN pg_catalog.cardinality(pg_catalog.parse_ident($1)) = 1 THEN pg_catalog.to_regclass($1) END, pg_catalog.parse_ident($1)) AS id
)
SELECT
  line.column_name,
  line.value::text,
  pg_catalog.to_char(line.changed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS changed_at,
  line.user_id,
  line.change_reason,
  line.source,
  line.operation,
  line.db_user,
  line.masked::integer AS masked,
  (line.masked AND EXISTS (
    SELECT FROM :schema.auditlog AS event
    WHERE event.id = line.event_id AND line.column_name = ANY (event.redacted)
  ))::integer AS erased,
  line.event_id::text,
  line.context_uuid::text,
  CASE WHEN line.changed_at IS NULL THEN
    pg_catalog.to_char(:schema.known_since(tracked.id) AT TIME ZONE 'UTC'::text, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'::text)
  END AS purged_until,
  :schema.column_types(tracked.id, coalesce(line.changed_at, pg_catalog.now())) ->> line.column_name AS column_type
FROM tracked CROSS JOIN LATERAL :schema.row_blame(tracked.id, :schema.row_id(tracked.id, $2::text::jsonb), $3) AS line
ORDER BY line.event_id DESC NULLS LAST, line.column_name

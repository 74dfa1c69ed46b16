-- What a transaction, a root, a request or a context changed in the end, as
-- functions/changes.sql finds it, ready to be read exactly.
WITH line AS MATERIALIZED (
  SELECT * FROM :schema.changes($1::bigint, $2::uuid, $3::text, $4::uuid, $5::text::boolean, $6::bigint, $7::integer)
), tracked AS MATERIALIZED (
  SELECT line.table_id, :schema.column_types(line.table_id, pg_catalog.max(line.last_at))::text AS column_types
  FROM line
  GROUP BY line.table_id
)
SELECT
  line.schema_name,
  line.table_name,
  line.object_id,
  line.old_object_id,
  line.label,
  line.operation,
  line.changes::text,
  line.from_labels::text,
  line.to_labels::text,
  pg_catalog.array_to_json(line.masked)::text AS masked,
  line.lossy::integer AS lossy,
  pg_catalog.array_to_json(line.user_ids)::text AS user_ids,
  pg_catalog.array_to_json(line.change_reasons)::text AS change_reasons,
  pg_catalog.to_char(line.first_at AT TIME ZONE 'UTC'::text, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS first_at,
  pg_catalog.to_char(line.last_at AT TIME ZONE 'UTC'::text, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS last_at,
  pg_catalog.array_to_json(line.events::text[])::text AS events,
  tracked.column_types
FROM line JOIN tracked ON tracked.table_id = line.table_id
ORDER BY line.events[1]

-- One page of events. A filter that is null filters nothing; the planner sees
-- the values and drops those conditions.
WITH tracked AS MATERIALIZED (
  SELECT found.id, CASE WHEN $1::text IS NULL THEN $9::text ELSE :schema.known_column(found.id, $9) END AS column_name
  FROM (SELECT CASE WHEN $1::text IS NOT NULL THEN
    :schema.table_id(CASE WHEN pg_catalog.cardinality(pg_catalog.parse_ident($1)) = 1 THEN pg_catalog.to_regclass($1) END, pg_catalog.parse_ident($1))
  END AS id) AS found
)
SELECT
  log.id::text,
  pg_catalog.to_char(log.changed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS changed_at,
  log.operation,
  log.schema_name,
  log.table_name,
  log.object_id,
  log.old_object_id,
  log.user_id,
  log.old_data::text,
  log.new_data::text,
  log.diff::text,
  log.meta::text,
  pg_catalog.array_to_json(log.masked)::text AS masked,
  pg_catalog.array_to_json(log.drift)::text AS drift,
  pg_catalog.array_to_json(log.redacted)::text AS redacted,
  log.image,
  log.lossy::integer AS lossy,
  log.db_user,
  log.transaction_id::text,
  log.context_uuid::text,
  log.root_uuid::text,
  log.metadata::text,
  log.application_name,
  pg_catalog.host(log.client_addr) AS client_addr,
  log.context_error,
  :schema.column_types(log.table_id, log.changed_at)::text AS column_types
FROM :schema.auditlog AS log
WHERE ($1::text IS NULL OR log.table_id = (SELECT id FROM tracked))
  AND ($2::text IS NULL OR log.id IN (
    SELECT event.id
    FROM tracked CROSS JOIN LATERAL :schema.history($1, :schema.row_id(tracked.id, $2::text::jsonb)) AS event
  ))
  AND ($3::text IS NULL OR log.user_id = $3)
  AND ($4::uuid IS NULL OR log.context_uuid = $4)
  AND ($5::uuid IS NULL OR log.root_uuid = $5)
  AND ($6::text IS NULL OR log.metadata ->> 'request_id'::text = $6)
  AND ($7::bigint IS NULL OR log.transaction_id = $7)
  AND ($8::text IS NULL OR log.operation = $8)
  AND ($9::text IS NULL OR log.diff ? (SELECT column_name FROM tracked) OR (SELECT column_name FROM tracked) = ANY (log.masked))
  AND ($10::timestamptz IS NULL OR log.changed_at >= $10)
  AND ($11::timestamptz IS NULL OR log.changed_at <= $11)
  AND ($12::bigint IS NULL OR CASE WHEN $13::text = 'asc' THEN log.id > $12 ELSE log.id < $12 END)
ORDER BY
  CASE WHEN $13 = 'asc' THEN log.id END,
  CASE WHEN $13 = 'desc' THEN log.id END DESC
LIMIT $14::integer

-- One page of events. A filter that is null filters nothing.
WITH tracked AS MATERIALIZED (
  SELECT CASE WHEN $1::text IS NOT NULL THEN
    :schema.table_id(CASE WHEN pg_catalog.cardinality(pg_catalog.parse_ident($1)) = 1 THEN pg_catalog.to_regclass($1) END, pg_catalog.parse_ident($1))
  END AS id
), place AS MATERIALIZED (
  SELECT found.*
  FROM tracked
  CROSS JOIN LATERAL :schema.event_places(
    tracked.id,
    CASE WHEN $2::text IS NOT NULL THEN :schema.row_id(tracked.id, $2::text::jsonb) END,
    pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object(
      'user'::text, $3::text,
      'context'::text, $4::uuid,
      'root'::text, $5::uuid,
      'request'::text, $6::text,
      'transaction'::text, $7::bigint,
      'operation'::text, $8::text,
      'column'::text, CASE WHEN tracked.id IS NULL THEN $9::text ELSE :schema.known_column(tracked.id, $9) END,
      'since'::text, $10::timestamptz,
      'until'::text, $11::timestamptz
    )),
    $12::bigint,
    $13::text = 'asc',
    $14::integer
  ) AS found
), log AS MATERIALIZED (
  SELECT event.* FROM place CROSS JOIN LATERAL :schema.events_at(place.ids, place.times) AS event
), known AS MATERIALIZED (
  SELECT shape.* FROM :schema.columns_over_time(ARRAY(SELECT DISTINCT log.table_id FROM log)) AS shape
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
  (
    SELECT known.types::text
    FROM known
    WHERE known.table_id = log.table_id AND known.since <= log.changed_at
    ORDER BY known.since DESC
    LIMIT 1
  ) AS column_types
FROM log
ORDER BY
  CASE WHEN $13 = 'asc' THEN log.id END,
  CASE WHEN $13 = 'desc' THEN log.id END DESC

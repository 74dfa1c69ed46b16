-- Events with their contexts as they are stored, each column as its own text: what
-- the canonical form is made of outside the database. Documents that are long are
-- left out, and `is_long` says so: all of them, where $3 says no documents.
SELECT
  event.id::pg_catalog.text AS id,
  pg_catalog.trunc(extract(epoch FROM event.changed_at) * 1000000)::pg_catalog.text AS changed_at,
  event.txid::pg_catalog.text AS txid,
  event.context_id::pg_catalog.text AS context_id,
  event.table_id::pg_catalog.text AS table_id,
  event.operation::pg_catalog.text AS operation,
  event.image::pg_catalog.text AS image,
  event.lossy::pg_catalog.text AS lossy,
  event.object_id AS object_id,
  event.old_object_id AS old_object_id,
  CASE WHEN NOT measured.is_long THEN document.old END AS old,
  CASE WHEN NOT measured.is_long THEN document.new END AS new,
  CASE WHEN NOT measured.is_long THEN document.meta END AS meta,
  pg_catalog.array_to_json(event.masked)::pg_catalog.text AS masked,
  pg_catalog.array_to_json(event.drift)::pg_catalog.text AS drift,
  pg_catalog.array_to_json(event.redacted)::pg_catalog.text AS redacted,
  event.db_user AS db_user,
  pg_catalog.encode(event.salt, 'hex') AS salt,
  context.id::pg_catalog.text AS known_context_id,
  context.transaction_id::pg_catalog.text AS transaction_id,
  context.txid::pg_catalog.text AS context_txid,
  pg_catalog.trunc(extract(epoch FROM context.started_at) * 1000000)::pg_catalog.text AS started_at,
  context.uuid::pg_catalog.text AS uuid,
  context.root_uuid::pg_catalog.text AS root_uuid,
  context.user_id AS user_id,
  context.application_name AS application_name,
  pg_catalog.text(context.client_addr) AS client_addr,
  CASE WHEN NOT measured.is_long THEN document.metadata END AS metadata,
  context.context_error AS context_error,
  measured.is_long::pg_catalog.text AS is_long
FROM :schema.audit_event AS event
LEFT JOIN :schema.audit_context AS context ON context.id = event.context_id AND context.txid = event.txid
CROSS JOIN LATERAL (
  SELECT
    CASE WHEN $3::pg_catalog.bool THEN event.old::pg_catalog.text END AS old,
    CASE WHEN $3::pg_catalog.bool THEN event.new::pg_catalog.text END AS new,
    CASE WHEN $3::pg_catalog.bool THEN event.meta::pg_catalog.text END AS meta,
    CASE WHEN $3::pg_catalog.bool THEN context.metadata::pg_catalog.text END AS metadata
  OFFSET 0  -- or each would be made twice
) AS document
CROSS JOIN LATERAL (
  SELECT NOT $3::pg_catalog.bool OR coalesce(GREATEST(
    pg_catalog.octet_length(document.old), pg_catalog.octet_length(document.new), pg_catalog.octet_length(document.meta), pg_catalog.octet_length(document.metadata)
  ), 0) > 16384 AS is_long
) AS measured
WHERE event.id > $1::pg_catalog.int8 AND event.id <= $2::pg_catalog.int8

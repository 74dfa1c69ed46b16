-- The records of erasures with an id behind $1, in their order, at most $2, with their
-- contexts, each column as its own text: what functions/erasure_record.sql hashes.
SELECT
  erasure.id::pg_catalog.text AS id,
  pg_catalog.trunc(extract(epoch FROM erasure.erased_at) * 1000000)::pg_catalog.text AS erased_at,
  erasure.context_id::pg_catalog.text AS context_id,
  erasure.db_user AS db_user,
  erasure.reason AS reason,
  erasure.table_id::pg_catalog.text AS table_id,
  pg_catalog.array_to_json(erasure.columns)::pg_catalog.text AS columns,
  erasure.events::pg_catalog.text AS events,
  erasure.contexts::pg_catalog.text AS contexts,
  pg_catalog.array_to_json(erasure.entries)::pg_catalog.text AS entries,
  context.id::pg_catalog.text AS known_context_id,
  context.transaction_id::pg_catalog.text AS transaction_id,
  context.txid::pg_catalog.text AS context_txid,
  pg_catalog.trunc(extract(epoch FROM context.started_at) * 1000000)::pg_catalog.text AS started_at,
  context.uuid::pg_catalog.text AS uuid,
  context.root_uuid::pg_catalog.text AS root_uuid,
  context.user_id AS user_id,
  context.application_name AS application_name,
  pg_catalog.text(context.client_addr) AS client_addr,
  context.metadata::pg_catalog.text AS metadata,
  context.context_error AS context_error
FROM :schema.audit_erasure AS erasure
LEFT JOIN :schema.audit_context AS context ON context.id = erasure.context_id
WHERE erasure.id > $1::pg_catalog.int8
ORDER BY erasure.id
LIMIT $2::pg_catalog.int8

-- The records of purges with an id behind $1, in their order, at most $2, with their
-- contexts, each column as its own text: what functions/purge_record.sql hashes.
SELECT
  purge.id::pg_catalog.text AS id,
  pg_catalog.trunc(extract(epoch FROM purge.started_at) * 1000000)::pg_catalog.text AS began_at,
  purge.context_id::pg_catalog.text AS context_id,
  purge.db_user AS db_user,
  (extract(year FROM purge.older_than) * 12 + extract(month FROM purge.older_than))::pg_catalog.text AS months,
  extract(day FROM purge.older_than)::pg_catalog.text AS days,
  (extract(hour FROM purge.older_than) * 3600000000 + extract(minute FROM purge.older_than) * 60000000 + extract(microseconds FROM purge.older_than))::pg_catalog.text AS microseconds,
  purge.targets::pg_catalog.text AS targets,
  purge.drops::pg_catalog.text AS drops,
  pg_catalog.trunc(extract(epoch FROM purge.contexts_before) * 1000000)::pg_catalog.text AS contexts_before,
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
FROM :schema.audit_purge AS purge
LEFT JOIN :schema.audit_context AS context ON context.id = purge.context_id
WHERE purge.id > $1::pg_catalog.int8
ORDER BY purge.id
LIMIT $2::pg_catalog.int8

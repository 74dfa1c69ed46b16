-- Partitions that a purge is dropping, as functions/leaving_partitions.sql tells them: by name.
SELECT DISTINCT own.relname::pg_catalog.text AS name
FROM :schema.audit_purge AS purge
JOIN pg_catalog.pg_class AS own ON own.relname = purge.leaver AND own.relnamespace = ':schema'::pg_catalog.regnamespace
WHERE purge.finished_at IS NULL AND own.relkind = 'r'
  AND EXISTS (SELECT FROM pg_catalog.pg_attribute AS col WHERE col.attrelid = own.oid AND col.attname = 'changed_at')  -- of events
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_inherits AS link WHERE link.inhrelid = own.oid AND NOT link.inhdetachpending)

-- The processes whose locks keep a table and its partitions from being tracked
-- (or with $2 from being changed at all), or the log from being changed. Every
-- role may ask. Qualified for the same reason as catalogue.sql.
--   $1: the table as schema.name
SELECT DISTINCT lock.pid
FROM pg_catalog.pg_locks AS lock
JOIN pg_catalog.pg_class AS class ON class.oid = lock.relation
JOIN pg_catalog.pg_namespace AS namespace ON namespace.oid = class.relnamespace
CROSS JOIN LATERAL (
  SELECT namespace.nspname = :'schema' AND class.relname = 'audit_setting' AS is_log
) AS asked
WHERE lock.granted
  AND lock.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
  AND lock.pid <> pg_catalog.pg_backend_pid()
  AND (asked.is_log OR $1 IN (
    namespace.nspname::text || '.' || class.relname::text,
    (
      SELECT above_namespace.nspname::text || '.' || above.relname::text
      FROM pg_catalog.pg_class AS above
      JOIN pg_catalog.pg_namespace AS above_namespace ON above_namespace.oid = above.relnamespace
      WHERE above.oid = pg_catalog.pg_partition_root(class.oid)::oid
    )
  ))
  AND (lock.mode NOT IN ('AccessShareLock', 'RowShareLock') OR $2::boolean AND NOT asked.is_log)
ORDER BY lock.pid
LIMIT 3

-- The tables that an application may have meant, for the nearest name, and for
-- check: whatever is neither of PostgreSQL, nor of an extension, nor of the log.
SELECT namespace.nspname AS schema, class.relname AS table
FROM pg_catalog.pg_class AS class
JOIN pg_catalog.pg_namespace AS namespace ON namespace.oid = class.relnamespace
WHERE class.relkind IN ('r', 'p') AND NOT class.relispartition AND class.relpersistence <> 't'
  AND namespace.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast', :'schema')
  -- nor of another log
  AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_class AS log
    WHERE log.relnamespace = namespace.oid AND log.relname = 'audit_event'::name AND log.relkind = 'p' AND class.relname ~ '^audit_'::text
  )
  AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_depend
    WHERE classid = 'pg_catalog.pg_class'::regclass::oid AND objid = class.oid AND deptype = 'e'
  )
  -- a child that carries our trigger is recorded with its parent, or as itself
  AND NOT (
    EXISTS (SELECT FROM pg_catalog.pg_inherits WHERE inhrelid = class.oid)
    AND EXISTS (
      SELECT FROM pg_catalog.pg_trigger WHERE tgrelid = class.oid AND tgname = :'trigger'::name
    )
  )
ORDER BY namespace.nspname, class.relname

-- Partitions that a purge is dropping, and that hold events which the log does not show
-- any more: they are detached, or being detached. What it says of them in the chain it
-- says as it drops them.
CREATE OR REPLACE FUNCTION :schema.leaving_partitions()
RETURNS SETOF regclass
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT DISTINCT own.oid::regclass
  FROM :schema.audit_purge AS purge
  JOIN pg_class AS own ON own.relname = purge.leaver AND own.relnamespace = ':schema'::regnamespace
  WHERE purge.finished_at IS NULL AND own.relkind = 'r'
    AND EXISTS (SELECT FROM pg_attribute AS col WHERE col.attrelid = own.oid AND col.attname = 'changed_at')  -- of events
    AND NOT EXISTS (SELECT FROM pg_inherits AS link WHERE link.inhrelid = own.oid AND NOT link.inhdetachpending)
$function$;

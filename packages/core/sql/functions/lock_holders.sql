-- In words, who may be in the way of a lock on a partition, or on anything of the
-- log: who holds one, else whose snapshot is old, as far as that is shown.
CREATE OR REPLACE FUNCTION :schema.lock_holders(partition text)
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  WITH holder AS (
    SELECT DISTINCT lock.pid
    FROM pg_locks AS lock
    JOIN pg_class AS class ON class.oid = lock.relation
    WHERE lock.granted AND lock.pid IS DISTINCT FROM pg_backend_pid()
      AND lock.database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND class.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = :'schema') AND class.relname = coalesce(partition, class.relname)
  ), named AS (
    SELECT coalesce(pid::text, 'of prepared transactions') AS name FROM holder
    UNION ALL
    SELECT activity.pid::text
    FROM pg_stat_activity AS activity
    WHERE NOT EXISTS (SELECT FROM holder) AND activity.datname = current_database()
      AND activity.backend_xmin IS NOT NULL AND activity.pid <> pg_backend_pid()
    ORDER BY 1
    LIMIT 5
  )
  SELECT coalesce('It waits for processes ' || string_agg(name, ', ') || '.', 'It waits for transactions that began before.')
    || ' Nothing else is held up, and the next run tries again.'
  FROM named
$function$;

-- Locks what every write needs, for an instant, under the lock_timeout of the
-- caller: writers wait no longer than that for us. While somebody who has been
-- at it for longer than that holds a lock, such as a backup or a report, we do
-- not even queue, for all writers would queue behind us, in vain.
CREATE OR REPLACE FUNCTION :schema.lock_log(logs text[], patience interval)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  attempts CONSTANT integer := 8;
  names    text := (SELECT string_agg(format('ONLY :schema.%I', log), ', ') FROM unnest(logs) AS log);
  holders  integer[];
BEGIN
  FOR attempt IN 1..attempts LOOP
    IF attempt > 1 THEN
      PERFORM pg_sleep(0.05 * attempt * (1 + random()));
    END IF;
    PERFORM pg_stat_clear_snapshot();
    holders := ARRAY(
      SELECT DISTINCT lock.pid
      FROM pg_locks AS lock
      JOIN pg_stat_activity AS activity ON activity.pid = lock.pid
      WHERE lock.granted AND lock.pid <> pg_backend_pid()
        AND lock.database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND lock.relation IN (SELECT to_regclass(format(':schema.%I', log)) FROM unnest(logs) AS log)
        AND activity.xact_start < clock_timestamp() - patience
      ORDER BY lock.pid
      LIMIT 3
    );
    CONTINUE WHEN holders <> '{}';
    BEGIN
      EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', names);
      RETURN;
    EXCEPTION WHEN lock_not_available THEN
      NULL;
    END;
  END LOOP;
  RAISE EXCEPTION USING
    ERRCODE = 'lock_not_available',
    MESSAGE = format('The log could not be locked in %s attempts of %s.', attempts, patience),
    HINT = coalesce(
      'Processes ' || nullif(array_to_string(holders, ', '), '') || ' held a lock all along. Nothing was changed, and writers were not held up: the next run tries again.',
      'Nothing was changed: the next run tries again.'
    );
END
$function$;

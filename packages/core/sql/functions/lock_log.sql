-- Locks what every write needs, for an instant, under the lock_timeout of the
-- caller: writers wait no longer than that for us. While somebody who has been
-- at it for longer than that holds a lock, such as a backup or a report, we do
-- not even queue, for all writers would queue behind us, in vain.
--
-- How long somebody has been at it is told by looking twice: when transactions of
-- others began, pg_stat_activity shows only to who may read all statistics, while
-- everybody sees in pg_locks who holds what.
CREATE OR REPLACE FUNCTION :schema.lock_log(logs text[], patience interval)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  own_timeout CONSTANT text := current_setting('lock_timeout');
  attempts CONSTANT integer := 8;
  names    text := (SELECT string_agg(format('ONLY :schema.%I', log), ', ') FROM unnest(logs) AS log);
  held     jsonb;  -- who holds a lock now, as {virtual transaction: pid}
  seen     jsonb := '{}';  -- since when they have been seen, as {virtual transaction: time}
  early    text[];  -- those whose beginning was not seen, of this attempt
  long     text[];  -- those that have been seen for longer than we are patient
  holders  text;
BEGIN
  FOR attempt IN 1..attempts LOOP
    IF attempt > 1 THEN
      PERFORM pg_sleep(0.05 * attempt * (1 + random()));
    END IF;
    early := NULL;
    LOOP
      held := (
        SELECT coalesce(jsonb_object_agg(lock.virtualtransaction, lock.pid), '{}')
        FROM pg_locks AS lock
        WHERE lock.granted AND lock.pid IS DISTINCT FROM pg_backend_pid()
          AND lock.database = (SELECT oid FROM pg_database WHERE datname = current_database())
          AND lock.relation IN (SELECT to_regclass(format(':schema.%I', log)) FROM unnest(logs) AS log)
      );
      seen := (
        SELECT coalesce(jsonb_object_agg(holder.key, coalesce(seen -> holder.key, to_jsonb(clock_timestamp()))), '{}')
        FROM jsonb_each(held) AS holder
      );
      early := ARRAY(SELECT key FROM jsonb_object_keys(held) AS key WHERE early IS NULL OR key = ANY (early));
      long := ARRAY(SELECT key FROM jsonb_each_text(seen) WHERE value::timestamptz <= clock_timestamp() - patience);
      EXIT WHEN early = '{}' OR long <> '{}';
      PERFORM pg_sleep(least(0.05, extract(epoch FROM patience) / 4));
    END LOOP;
    holders := (
      SELECT string_agg(holder.name, ', ' ORDER BY holder.name)
      FROM (
        SELECT DISTINCT coalesce(held ->> key, 'of prepared transactions') AS name
        FROM unnest(long) AS key
        ORDER BY name
        LIMIT 3
      ) AS holder
    );
    CONTINUE WHEN long <> '{}';
    BEGIN
      -- who reads one log and then the other waits for us with the first in hand: we give way before
      -- that is taken for a deadlock, which would end him or us
      PERFORM set_config('lock_timeout', (
        SELECT min(CASE name WHEN 'deadlock_timeout' THEN greatest(setting::integer / 2, 1) ELSE nullif(setting::integer, 0) END)
        FROM pg_settings WHERE name IN ('deadlock_timeout', 'lock_timeout')
      )::text, true);
      EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', names);
      PERFORM set_config('lock_timeout', own_timeout, true);
      RETURN;
    EXCEPTION WHEN lock_not_available THEN
      NULL;
    END;
  END LOOP;
  RAISE EXCEPTION USING
    ERRCODE = 'lock_not_available',
    MESSAGE = format('The log could not be locked in %s attempts of %s.', attempts, patience),
    HINT = coalesce(
      'Processes ' || holders || ' held a lock all along. Nothing was changed, and writers were not held up: the next run tries again.',
      'Nothing was changed: the next run tries again.'
    );
END
$function$;

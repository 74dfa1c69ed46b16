-- Where partitions were made too late the overflow holds rows. It becomes a
-- partition of its own, longer than others, and no row is moved:
--   1. a constraint says up to when it goes, not yet valid, which takes no look at the rows
--   2. create_partitions has PostgreSQL validate it while everybody reads and writes
--   3. and swaps the overflow for a new one, with no need to look
-- The first is a transaction of its own, or writers would wait for the second.
-- This does it, for one of the logs, and says so; null where there is nothing to
-- do. Whoever is killed in between has left nothing that the next call does not
-- take up.
--
-- The bound is at least two days ahead, and a day before it the constraint gives
-- way by itself: if nobody comes back no write is refused. The constraint is
-- then made anew, as where a clock that ran ahead has written behind the bound.
-- For the same reason nobody but the swap itself is to see it validated: others
-- would plan by it, and not look for rows that it let pass.
CREATE OR REPLACE FUNCTION :schema.close_overflow(patience interval DEFAULT '2 seconds')
RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET "TimeZone" = 'UTC'
SET "DateStyle" = 'ISO'
SET lock_timeout = '2s'
AS $function$
DECLARE
  plan     record := :schema.partition_plan();
  log      text;
  overflow text;
  closing  record;
  in_use   boolean;
  since    timestamptz;
  until    timestamptz;
  last     timestamptz;
BEGIN
  PERFORM set_config('lock_timeout', ceil(extract(epoch FROM patience) * 1000)::text, true);
  FOREACH log IN ARRAY ARRAY['audit_context', 'audit_event'] LOOP
    overflow := format('%I.%I', :'schema', log || '_overflow');
    CONTINUE WHEN to_regclass(overflow) IS NULL;
    EXECUTE format('SELECT EXISTS (SELECT FROM %s)', overflow) INTO in_use;
    SELECT * INTO closing FROM :schema.closing_bound(log);
    CONTINUE WHEN closing.until IS NULL AND NOT in_use;
    -- waits for create_partitions
    CONTINUE WHEN in_use AND NOT closing.is_over AND NOT :schema.is_beyond(log, closing.until);
    IF current_setting('auditrum.closing', true) = pg_current_xact_id_if_assigned()::text THEN
      RETURN NULL;  -- the lock of the first step is held until this transaction ends
    END IF;

    IF closing.until IS NULL THEN
      since := :schema.overflow_start(log);
      EXECUTE format(
        CASE log
          WHEN 'audit_event' THEN 'SELECT max(changed_at) FROM %s WHERE changed_at >= $1'
          ELSE 'SELECT to_timestamp((max(id) >> 20) / 1000.0) FROM %s WHERE id >= :schema.partition_bound(''audit_context'', $1)::bigint'
        END,
        overflow
      )
      INTO last
      USING clock_timestamp();
      -- what a clock wrote that was wrong by that much would make one partition of all that is to come
      CONTINUE WHEN last > clock_timestamp() + interval '10 years';
      until := date_trunc(plan.unit, greatest(since, last, clock_timestamp()) + interval '2 days') + ('1 ' || plan.unit)::interval;
      PERFORM :schema.lock_log(ARRAY[log || '_overflow'], patience);
      PERFORM set_config('auditrum.closing', pg_current_xact_id()::text, true);
      EXECUTE format(
        'ALTER TABLE %1$s ADD CONSTRAINT %2$I CHECK (%3$I >= %4$L AND (%3$I < %5$L OR :schema.is_over(%6$L))) NOT VALID',
        overflow, log || '_closing', CASE log WHEN 'audit_event' THEN 'changed_at' ELSE 'id' END,
        :schema.partition_bound(log, since), :schema.partition_bound(log, until), until - interval '1 day'
      );
      EXECUTE format('COMMENT ON CONSTRAINT %I ON %s IS %L', log || '_closing', overflow, until);
      RETURN format('%s is bounded at %s', log || '_overflow', until);
    ELSE
      PERFORM :schema.lock_log(ARRAY[log || '_overflow'], patience);
      PERFORM set_config('auditrum.closing', pg_current_xact_id()::text, true);
      EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', overflow, log || '_closing');
      RETURN format('%s is no longer bounded', log || '_overflow');
    END IF;
  END LOOP;
  RETURN NULL;
END
$function$;

-- The partitions of a log, from the oldest on, that a purge leaves nothing of: as
-- far as they hold nothing but what is to go. From the oldest on, so that one
-- partition can take the place of all (mend_start).
--
--   targets   {table_id: until}
--   before    contexts older than this go, unless an event needs them
--   only_one  the first of them is asked for alone
DROP FUNCTION IF EXISTS :schema.droppable_partitions(text, jsonb, timestamptz, boolean);  -- it returned more
CREATE OR REPLACE FUNCTION :schema.droppable_partitions(log text, targets jsonb, before timestamptz, only_one boolean)
RETURNS SETOF text
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  last     timestamptz := CASE log WHEN 'audit_context' THEN before ELSE (
    SELECT max(target.value::timestamptz) FROM jsonb_each_text(targets) AS target
  ) END;
  part     record;
  stays    boolean;
  is_empty boolean;
  empties  text[] := '{}';  -- worth dropping with one that is not empty: another one takes their place
BEGIN
  FOR part IN SELECT * FROM :schema.partitions_of(log) AS known WHERE NOT known.is_leaving LOOP
    -- it stays, so that a clock that shows a time from before the log finds it: rows are deleted from it
    CONTINUE WHEN part.since IS NULL AND starts_with(part.name, log || '_before_');
    EXIT WHEN part.until IS NULL OR last IS NULL OR part.until > last;
    CONTINUE WHEN NOT :schema.hold_partition(part.name, 'ACCESS SHARE');
    -- what a transaction has written there shows only once it is over, and then it would be lost, or unsealed
    EXIT WHEN EXISTS (
      SELECT FROM pg_locks AS lock
      WHERE lock.relation = part.relation AND lock.mode = 'RowExclusiveLock' AND lock.pid IS DISTINCT FROM pg_backend_pid()
        AND lock.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    );
    IF log = 'audit_context' THEN
      stays := :schema.purge_needs(
        targets,
        coalesce(:schema.partition_bound(log, part.since)::bigint, 0),
        :schema.partition_bound(log, part.until)::bigint
      );
    ELSE
      EXECUTE format(
        'SELECT EXISTS (SELECT FROM %s WHERE NOT coalesce(($1 ->> table_id::text)::timestamptz >= $2, false))', part.relation::regclass
      )
      INTO stays
      USING targets, part.until;
    END IF;
    EXIT WHEN stays;
    EXECUTE format('SELECT NOT EXISTS (SELECT FROM %s)', part.relation::regclass) INTO is_empty;
    empties := empties || part.name;
    CONTINUE WHEN is_empty;
    RETURN QUERY SELECT unnest(CASE WHEN only_one THEN empties[1:1] ELSE empties END);
    EXIT WHEN only_one;
    empties := '{}';
  END LOOP;
END
$function$;

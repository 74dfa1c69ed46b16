-- Makes the partition of this month, week or day and so many after it, in UTC,
-- and returns the names of the new ones. What it is told it keeps: without
-- arguments, and in maintain, it is as last time; at first three months.
--
-- Behind them lies the overflow partition, up to MAXVALUE, so that no write
-- ever lacks a home; the first partition begins at MINVALUE for the same
-- reason. New ones are made stand-alone and attached: CREATE TABLE ...
-- PARTITION OF would hold up every audited write behind the longest open
-- transaction. The swap at the end holds them up for an instant, and gives up
-- after some attempts that wait no longer than patience.
DROP FUNCTION IF EXISTS :schema.create_partitions(integer);
CREATE OR REPLACE FUNCTION :schema.create_partitions(
  ahead integer DEFAULT NULL, unit text DEFAULT NULL, patience interval DEFAULT '2 seconds'
)
RETURNS SETOF text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET "TimeZone" = 'UTC'
SET "DateStyle" = 'ISO'
SET lock_timeout = '2s'
AS $function$
DECLARE
  kept       record;
  one        interval;
  this_unit  timestamptz;
  last_bound timestamptz;  -- where the overflow is to begin
  log        text;
  parent     text;
  overflow   text;
  new_name   text;
  since      timestamptz;
  until      timestamptz;
  closing    record;
  in_use     boolean;
  is_proven  boolean;  -- that all rows of the overflow lie before the bound with which it is being closed
  made       jsonb := '[]';  -- new tables: {of_log, name, since, until}
  logs       text[] := '{}';  -- those whose overflow is to be swapped
  closed     jsonb := '{}';  -- {log: up to when its overflow goes, as a partition}
  part       record;
BEGIN
  -- with none ahead, whatever is written before the next maintain would go to the overflow
  IF coalesce(ahead, 1) NOT BETWEEN 1 AND (CASE coalesce(unit, 'month') WHEN 'month' THEN 120 WHEN 'week' THEN 520 ELSE 400 END) THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU005',
      MESSAGE = format('Partitions cannot be made %s %ss ahead.', ahead, coalesce(unit, 'month')),
      HINT = 'Give a number from 1 to 120 months, 520 weeks or 400 days.';
  ELSIF unit NOT IN ('month', 'week', 'day') THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU005',
      MESSAGE = format('Partitions cannot be made by %s.', unit),
      HINT = 'Give month, week or day.';
  END IF;
  PERFORM set_config('lock_timeout', ceil(extract(epoch FROM patience) * 1000)::text, true);
  LOCK TABLE :schema.audit_setting IN SHARE ROW EXCLUSIVE MODE;

  kept := :schema.partition_plan();
  unit := coalesce(unit, CASE WHEN ahead IS NOT NULL THEN 'month' END, kept.unit);
  ahead := coalesce(ahead, CASE WHEN unit = kept.unit THEN kept.ahead END, CASE unit WHEN 'month' THEN 3 WHEN 'week' THEN 8 ELSE 30 END);
  IF (kept.unit, kept.ahead) <> (unit, ahead) THEN
    INSERT INTO :schema.audit_setting (name, value)
    VALUES ('partitions', jsonb_build_object('unit', unit, 'ahead', ahead))
    ON CONFLICT (name) DO UPDATE SET value = EXCLUDED.value;
  END IF;
  one := ('1 ' || unit)::interval;
  this_unit := date_trunc(unit, clock_timestamp());
  last_bound := this_unit + (ahead + 1) * one;

  FOREACH log IN ARRAY ARRAY['audit_event', 'audit_context'] LOOP
    parent := format('%I.%I', :'schema', log);
    overflow := format('%I.%I', :'schema', log || '_overflow');
    since := :schema.overflow_start(log);

    IF since IS NULL THEN
      since := this_unit + one;
      new_name := :schema.partition_name(log, unit, this_unit, since);
      EXECUTE format('CREATE TABLE %I.%I PARTITION OF %s FOR VALUES FROM (MINVALUE) TO (%L)',
        :'schema', new_name, parent, :schema.partition_bound(log, since));
      EXECUTE format('CREATE TABLE %s PARTITION OF %s FOR VALUES FROM (%L) TO (MAXVALUE)',
        overflow, parent, :schema.partition_bound(log, since));
      PERFORM :schema.make_private('pg_class'::regclass, overflow::regclass);
      PERFORM :schema.make_private('pg_class'::regclass, format('%I.%I', :'schema', new_name)::regclass);
      RETURN NEXT new_name;
    END IF;

    SELECT * INTO closing FROM :schema.closing_bound(log);
    EXECUTE format('SELECT EXISTS (SELECT FROM %s)', overflow) INTO in_use;
    is_proven := in_use AND NOT coalesce(closing.is_over, true)
      -- the lock with which it was bounded must not be held meanwhile
      AND current_setting('auditrum.closing', true) IS DISTINCT FROM pg_current_xact_id_if_assigned()::text;
    IF is_proven THEN
      BEGIN
        EXECUTE format('ALTER TABLE %s VALIDATE CONSTRAINT %I', overflow, log || '_closing');
      EXCEPTION WHEN check_violation THEN
        is_proven := false;  -- a clock was ahead: close_overflow will say where the next bound is
      END;
    END IF;
    IF is_proven THEN
      since := closing.until;
      closed := closed || jsonb_build_object(log, since);
      -- so that the look at it below, under the lock, is a short one
      PERFORM brin_summarize_new_values(index.indexrelid)
      FROM pg_index AS index
      JOIN pg_class AS class ON class.oid = index.indexrelid
      JOIN pg_am AS method ON method.oid = class.relam
      WHERE index.indrelid = overflow::regclass AND method.amname = 'brin';
    ELSIF in_use THEN
      RAISE WARNING '%_overflow holds rows, so no partition was added behind it.', log
        USING HINT = 'The rows are safe there, and later ones follow them. Call maintain(), each time in a transaction of its own, until it says that nothing is pending, and what else is to be done.';
      CONTINUE;
    ELSIF since >= last_bound OR closing.until IS NOT NULL THEN
      CONTINUE;
    END IF;
    logs := logs || log;
    WHILE since < last_bound LOOP
      until := date_trunc(unit, since) + one;
      new_name := :schema.partition_name(log, unit, since, until);
      EXECUTE format('CREATE TABLE %I.%I (LIKE %s INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES)', :'schema', new_name, parent);
      PERFORM :schema.make_private('pg_class'::regclass, format('%I.%I', :'schema', new_name)::regclass);
      made := made || jsonb_build_object('of_log', log, 'name', new_name, 'since', since, 'until', until);
      since := until;
    END LOOP;
  END LOOP;
  IF logs = '{}' THEN
    RETURN;
  END IF;

  -- both at once, in the order in which every write takes them: in another it would deadlock with the writers
  PERFORM :schema.lock_log(ARRAY(SELECT unnest(logs) AS log ORDER BY log), patience);
  FOREACH log IN ARRAY logs LOOP
    parent := format('%I.%I', :'schema', log);
    overflow := format('%I.%I', :'schema', log || '_overflow');
    EXECUTE format('SELECT EXISTS (SELECT FROM %s)', overflow) INTO in_use;
    until := closed ->> log;
    IF in_use AND (until IS NULL OR :schema.is_over(until - interval '1 day') OR :schema.is_beyond(log, until)) THEN
      -- since it was looked at: the next call closes it
      IF until IS NOT NULL THEN
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', overflow, log || '_closing');
      END IF;
      FOR part IN SELECT * FROM jsonb_to_recordset(made) AS own (of_log text, name text) WHERE own.of_log = log LOOP
        EXECUTE format('DROP TABLE %I.%I', :'schema', part.name);
      END LOOP;
      CONTINUE;
    END IF;
    since := :schema.overflow_start(log);
    EXECUTE format('ALTER TABLE %s DETACH PARTITION %s', parent, overflow);
    IF until IS NOT NULL THEN
      new_name := :schema.partition_name(log, unit, since, until);
      EXECUTE format('ALTER TABLE %s RENAME TO %I', overflow, new_name);
      EXECUTE format('ALTER TABLE %s ATTACH PARTITION %I.%I FOR VALUES FROM (%L) TO (%L)',
        parent, :'schema', new_name, :schema.partition_bound(log, since), :schema.partition_bound(log, until));
      EXECUTE format('ALTER TABLE %I.%I DROP CONSTRAINT %I', :'schema', new_name, log || '_closing');
      EXECUTE format('CREATE TABLE %s (LIKE %s INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES)', overflow, parent);
      PERFORM :schema.make_private('pg_class'::regclass, overflow::regclass);
      since := until;
      RETURN NEXT new_name;
    END IF;
    FOR part IN
      SELECT * FROM jsonb_to_recordset(made) AS own (of_log text, name text, since timestamptz, until timestamptz)
      WHERE own.of_log = log
      ORDER BY own.since
    LOOP
      EXECUTE format('ALTER TABLE %s ATTACH PARTITION %I.%I FOR VALUES FROM (%L) TO (%L)',
        parent, :'schema', part.name, :schema.partition_bound(log, part.since), :schema.partition_bound(log, part.until));
      since := part.until;
      RETURN NEXT part.name;
    END LOOP;
    EXECUTE format('ALTER TABLE %s ATTACH PARTITION %s FOR VALUES FROM (%L) TO (MAXVALUE)',
      parent, overflow, :schema.partition_bound(log, since));
  END LOOP;
END
$function$;

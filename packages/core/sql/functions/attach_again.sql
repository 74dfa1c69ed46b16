-- Puts partitions back that somebody has detached by hand, or begun to, where the log
-- has no other for their times by now; the overflow, too. Waits for nobody who reads or
-- writes the log. Returns their names.
CREATE OR REPLACE FUNCTION :schema.attach_again(log text, patience interval)
RETURNS SETOF text
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET "TimeZone" = 'UTC'
AS $function$
DECLARE
  unit     text := (SELECT plan.unit FROM :schema.partition_plan() AS plan);
  overflow text := log || '_overflow';
  part     record;
  first    timestamptz;
  last     timestamptz;
  held     jsonb := '[]';  -- {name, first, last} of each
BEGIN
  IF EXISTS (SELECT FROM :schema.audit_purge WHERE finished_at IS NULL) THEN
    RETURN;  -- it makes gaps, and mends them itself
  END IF;
  FOR part IN SELECT known.name FROM :schema.partitions_of(log) AS known WHERE known.is_leaving AND NOT :schema.is_detaching(known.name) LOOP
    PERFORM :schema.finish_detaching(log, part.name, patience);
  END LOOP;
  SELECT max(known.until) INTO last FROM :schema.partitions_of(log) AS known;
  IF last IS NOT NULL AND NOT (SELECT relispartition FROM pg_class WHERE oid = to_regclass(format('%I.%I', :'schema', overflow))) THEN
    PERFORM :schema.attach(log, overflow, quote_literal(:schema.partition_bound(log, last)), 'MAXVALUE');
    RETURN NEXT overflow;
  END IF;
  IF NOT EXISTS (SELECT FROM :schema.partition_gaps(log)) OR NOT EXISTS (SELECT FROM :schema.detached_partitions(log)) THEN
    RETURN;
  END IF;
  -- what attaching takes as well; first, for another may be mending it now
  EXECUTE format('LOCK TABLE ONLY :schema.%I IN SHARE UPDATE EXCLUSIVE MODE', log);
  FOR part IN SELECT * FROM :schema.detached_partitions(log) LOOP
    EXECUTE format(
      CASE log WHEN 'audit_event' THEN 'SELECT min(changed_at), max(changed_at) FROM %s'
        ELSE 'SELECT to_timestamp((min(id) >> 20) / 1000.0), to_timestamp((max(id) >> 20) / 1000.0) FROM %s' END,
      part.relation::regclass
    ) INTO first, last;
    held := held || jsonb_build_object('name', part.name, 'first', first, 'last', last);
  END LOOP;
  FOR part IN
    SELECT fitting.name, coalesce(lag(fitting.bound) OVER own, fitting.since) AS since, coalesce(fitting.bound, fitting.until) AS until
    FROM (
      -- from one to the next, of several side by side
      SELECT held_by.name, held_by.first, gap.since, gap.until,
        CASE WHEN date_trunc(unit, lead(held_by.first) OVER own) > held_by.last
          THEN date_trunc(unit, lead(held_by.first) OVER own) ELSE lead(held_by.first) OVER own END AS bound
      FROM jsonb_to_recordset(held) AS held_by (name text, first timestamptz, last timestamptz)
      JOIN :schema.partition_gaps(log) AS gap ON held_by.first >= coalesce(gap.since, '-infinity') AND held_by.last < gap.until
      WHERE NOT EXISTS (
        SELECT FROM jsonb_to_recordset(held) AS other (name text, first timestamptz, last timestamptz)
        WHERE other.name <> held_by.name AND other.first <= held_by.last AND other.last >= held_by.first
      )
      WINDOW own AS (PARTITION BY gap.until ORDER BY held_by.first)
    ) AS fitting
    WINDOW own AS (PARTITION BY fitting.until ORDER BY fitting.first)
  LOOP
    PERFORM :schema.attach(
      log, part.name, coalesce(quote_literal(:schema.partition_bound(log, part.since)), 'MINVALUE'), quote_literal(:schema.partition_bound(log, part.until))
    );
    RETURN NEXT part.name;
  END LOOP;
END
$function$;

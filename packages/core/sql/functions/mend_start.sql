-- Where partitions are gone, an empty one takes their place, so that a write has a
-- home whatever the clock says. Waits for nobody who reads or writes. Returns the
-- names of the new ones.
DROP FUNCTION IF EXISTS :schema.mend_start(text);  -- it returned nothing
CREATE OR REPLACE FUNCTION :schema.mend_start(log text)
RETURNS SETOF text
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET "TimeZone" = 'UTC'
AS $function$
DECLARE
  gap  record;
  name text;
BEGIN
  IF NOT EXISTS (SELECT FROM :schema.partition_gaps(log)) THEN
    RETURN;
  END IF;
  -- what attaching takes as well; first, for another purge may be mending it now
  EXECUTE format('LOCK TABLE ONLY :schema.%I IN SHARE UPDATE EXCLUSIVE MODE', log);
  FOR gap IN SELECT * FROM :schema.partition_gaps(log) LOOP
    name := log || '_before_' || to_char(gap.until, 'YYYY_MM_DD');
    -- what a purge has noted by that name it would take for the one that is to go
    WHILE to_regclass(format('%I.%I', :'schema', name)) IS NOT NULL
      OR EXISTS (SELECT FROM :schema.audit_purge AS purge WHERE name = ANY (purge.partitions) OR name = purge.leaver)
    LOOP
      name := log || '_before_' || to_char(gap.until, 'YYYY_MM_DD') || to_char(clock_timestamp(), '_SSSS_US');
    END LOOP;
    EXECUTE format('CREATE TABLE %I.%I (LIKE :schema.%I INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES)', :'schema', name, log);
    PERFORM :schema.make_private('pg_class'::regclass, format('%I.%I', :'schema', name)::regclass);
    EXECUTE format('ALTER TABLE :schema.%I ATTACH PARTITION %I.%I FOR VALUES FROM (%s) TO (%L)',
      log, :'schema', name, coalesce(quote_literal(:schema.partition_bound(log, gap.since)), 'MINVALUE'), :schema.partition_bound(log, gap.until));
    RETURN NEXT name;
  END LOOP;
END
$function$;

-- Whether the overflow of a log holds rows from a time on. Where a clock ran ahead
-- and was set right, it may, in spite of a constraint that had given way by that
-- clock (close_overflow): neither the constraint nor what is planned by it is asked.
CREATE OR REPLACE FUNCTION :schema.is_beyond(log text, at timestamptz)
RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET constraint_exclusion = off
SET enable_seqscan = off  -- few pages are looked at, however many there seem to be
SET jit = off
AS $function$
DECLARE
  found boolean;
BEGIN
  EXECUTE format(
    'SELECT EXISTS (SELECT FROM :schema.%I WHERE %I >= %L)',
    log || '_overflow', CASE log WHEN 'audit_event' THEN 'changed_at' ELSE 'id' END, :schema.partition_bound(log, at)
  )
  INTO found;
  RETURN found;
END
$function$;

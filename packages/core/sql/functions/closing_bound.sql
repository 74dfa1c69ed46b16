-- The constraint with which the overflow partition of a log is being closed: up
-- to which time, and whether it has given way (see close_overflow). No row where
-- there is none.
DROP FUNCTION IF EXISTS :schema.closing_bound(text);  -- it returned more
CREATE OR REPLACE FUNCTION :schema.closing_bound(log text)
RETURNS TABLE (until timestamptz, is_over boolean)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET "TimeZone" = 'UTC'
SET "DateStyle" = 'ISO'
AS $function$
  SELECT noted.until, :schema.is_over(noted.until - interval '1 day')
  FROM (
    SELECT obj_description(oid, 'pg_constraint')::timestamptz AS until
    FROM pg_constraint
    WHERE conrelid = to_regclass(format('%I.%I', :'schema', log || '_overflow')) AND conname = log || '_closing'
  ) AS noted
$function$;

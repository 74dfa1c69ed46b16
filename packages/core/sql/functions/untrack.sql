-- Stops recording a table. What is in the log stays. Returns false where it was
-- not tracked.
CREATE OR REPLACE FUNCTION :schema.untrack(relation regclass)
RETURNS boolean
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT coalesce(:schema.drop_capture(:schema.tracked_id(relation)), false)
$function$;

-- Locks a partition until the transaction ends, so that no other purge drops it
-- under our hands; false where one has.
CREATE OR REPLACE FUNCTION :schema.hold_partition(name text, mode text)
RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  EXECUTE format('LOCK TABLE %I.%I IN %s MODE', :'schema', name, mode);
  RETURN true;
EXCEPTION WHEN undefined_table THEN
  RETURN false;
END
$function$;

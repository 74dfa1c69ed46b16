-- Makes label_<id>, the function that labels a table's rows, have a body, or
-- drops it where that is null. It runs with the rights of the log's owner, who
-- declared it, whoever reads; nobody else may call it. Returns whether anything
-- changed.
CREATE OR REPLACE FUNCTION :schema.set_label(tracked_id integer, body text)
RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  name    text := format('%I.%I(jsonb)', :'schema', 'label_' || tracked_id);
  present text := (SELECT prosrc FROM pg_proc WHERE oid = to_regprocedure(name));
BEGIN
  IF present IS NOT DISTINCT FROM body THEN
    RETURN false;
  ELSIF body IS NULL THEN
    EXECUTE format('DROP FUNCTION %s', name);
  ELSE
    EXECUTE format(
      'CREATE OR REPLACE FUNCTION %s RETURNS text LANGUAGE sql STABLE SECURITY DEFINER
        SET search_path = pg_catalog, pg_temp SET TimeZone = %L SET DateStyle = %L SET IntervalStyle = %L AS %L',
      name, 'UTC', 'ISO', 'postgres', body);
    PERFORM :schema.make_private('pg_proc'::regclass, to_regprocedure(name));
  END IF;
  RETURN true;
END
$function$;

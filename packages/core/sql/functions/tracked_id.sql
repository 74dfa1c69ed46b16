-- The id of a table that is tracked now, from the trigger that it carries;
-- null when it has none.
CREATE OR REPLACE FUNCTION :schema.tracked_id(relation oid)
RETURNS integer
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT substr(function.proname, length('capture_') + 1)::integer
  FROM pg_trigger AS trigger
  JOIN pg_proc AS function ON function.oid = trigger.tgfoid
  JOIN pg_namespace AS namespace ON namespace.oid = function.pronamespace
  WHERE trigger.tgrelid = relation
    AND trigger.tgname IN (:'trigger', :'trigger' || '_truncate')
    AND namespace.nspname = :'schema'
    AND function.proname ~ '^capture_[0-9]+$'
  ORDER BY trigger.tgname
  LIMIT 1
$function$;

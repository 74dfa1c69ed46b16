-- From when on the log has all that it was told of a table; null where nothing of
-- it was purged.
CREATE OR REPLACE FUNCTION :schema.known_since(tracked_id integer)
RETURNS timestamptz
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT greatest((SELECT purged_until FROM :schema.audit_table WHERE id = tracked_id), :schema.log_start())
$function$;

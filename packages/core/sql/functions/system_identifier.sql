-- Names the cluster: transaction ids mean something within it alone. Null where
-- this role may not know.
CREATE OR REPLACE FUNCTION :schema.system_identifier()
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  RETURN CASE WHEN has_function_privilege('pg_control_system()', 'EXECUTE') THEN (SELECT system_identifier::text FROM pg_control_system()) END;
END
$function$;

-- Against whom the log was hardened, as keep/remember.sql noted it.
CREATE OR REPLACE FUNCTION :schema.hardened()
RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT coalesce((SELECT value FROM :schema.audit_setting WHERE name = 'hardened'), '{}')
$function$;

-- The object_id of a row of a tracked table, from its key as callers give it:
-- a scalar, an array in key order, an object with the key's columns.
CREATE OR REPLACE FUNCTION :schema.row_id(tracked_id integer, identity jsonb)
RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT :schema.object_id(identity, key_columns) FROM :schema.audit_table WHERE id = tracked_id
$function$;

-- An image without the values that cannot be read as the types of its columns.
CREATE OR REPLACE FUNCTION :schema.readable_image(image jsonb, types jsonb)
RETURNS jsonb
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT image - ARRAY(
    SELECT name FROM jsonb_each_text(types) AS checked (name, type) WHERE image ? name AND NOT :schema.is_readable(image -> name, type)
  )
$function$;

-- The parts of an object_id, as a JSON array; null where it has none: of a long
-- key it is a hash, and under an earlier key it had another form.
CREATE OR REPLACE FUNCTION :schema.id_parts(object_id text, number integer)
RETURNS jsonb
LANGUAGE sql IMMUTABLE
AS $function$
  SELECT CASE
    WHEN pg_catalog.starts_with(object_id, 'md5 ') THEN NULL
    WHEN number = 1 THEN pg_catalog.jsonb_build_array(object_id)
    WHEN pg_catalog.starts_with(object_id, '[') THEN object_id::jsonb
  END
$function$;

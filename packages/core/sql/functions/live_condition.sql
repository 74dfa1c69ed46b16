-- SQL that finds the live row, called live, that has an object_id. Of a long
-- key that is only a hash: no index knows it. Of an array or a record it is JSON,
-- which is not how the type reads it.
CREATE OR REPLACE FUNCTION :schema.live_condition(relation oid, object_id text)
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  condition text := coalesce(
    :schema.key_condition(relation, 'live', '=', :schema.id_parts(object_id, cardinality(:schema.key_columns(relation)))),
    'false'
  );
BEGIN
  IF object_id ~ '^md5 [0-9a-f]{32}$' OR condition = 'false' AND EXISTS (
    SELECT FROM :schema.key_parts(relation) AS part
    JOIN pg_type AS type ON type.oid = to_regtype(part.type)
    WHERE type.typcategory IN ('A', 'C')
  ) THEN
    RETURN format('%s = %L', :schema.live_id(relation), object_id);
  END IF;
  RETURN condition;
END
$function$;

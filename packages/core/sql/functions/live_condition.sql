-- SQL that finds the live row, called live, that has an object_id. Of a long
-- key that is only a hash: no index knows it.
CREATE OR REPLACE FUNCTION :schema.live_condition(relation oid, object_id text)
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  RETURN CASE
    WHEN object_id ~ '^md5 [0-9a-f]{32}$'
    THEN format('%s = %L', :schema.live_id(relation), object_id)
    ELSE coalesce(
      :schema.key_condition(relation, 'live', '=', :schema.id_parts(object_id, cardinality(:schema.key_columns(relation)))),
      'false'
    )
  END;
END
$function$;

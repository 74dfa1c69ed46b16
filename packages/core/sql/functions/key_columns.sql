-- The columns of a table's primary key, in key order; empty without one.
CREATE OR REPLACE FUNCTION :schema.key_columns(relation oid)
RETURNS text[]
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS $function$
BEGIN
  RETURN (
    SELECT coalesce(array_agg(attribute.attname::text ORDER BY key.position), '{}')
    FROM pg_index AS index
    CROSS JOIN unnest(index.indkey::smallint[]) WITH ORDINALITY AS key (attnum, position)
    JOIN pg_attribute AS attribute ON attribute.attrelid = index.indrelid AND attribute.attnum = key.attnum
    WHERE index.indrelid = relation AND index.indisprimary AND key.position <= index.indnkeyatts
  );
END
$function$;

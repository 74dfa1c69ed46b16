-- The columns of a table as a capture function was written for them: when they
-- differ from those in its stamp, it wants to be written again.
CREATE OR REPLACE FUNCTION :schema.column_list(relation oid)
RETURNS jsonb
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT coalesce(jsonb_agg(
      concat_ws(' ', attribute.attname, namespace.nspname, type.typname, nullif(attribute.atttypmod, -1), nullif(attribute.attgenerated, ''))
      ORDER BY attribute.attnum
    ), '[]')
  FROM pg_attribute AS attribute
  JOIN pg_type AS type ON type.oid = attribute.atttypid
  JOIN pg_namespace AS namespace ON namespace.oid = type.typnamespace
  WHERE attribute.attrelid = relation AND attribute.attnum > 0 AND NOT attribute.attisdropped
$function$;

-- A declared label as SQL: what is a column by itself may have any name.
CREATE OR REPLACE FUNCTION :schema.label_expression(relation oid, declaration jsonb)
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT CASE
    WHEN EXISTS (SELECT FROM pg_attribute WHERE attrelid = $1 AND attname = $2 ->> 'label' AND attnum > 0 AND NOT attisdropped)
    THEN quote_ident($2 ->> 'label')
    ELSE $2 ->> 'label'
  END
$function$;

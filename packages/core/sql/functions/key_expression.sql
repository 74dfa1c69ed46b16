-- The one place that knows how an object_id is written: SQL that makes it from
-- a row's jsonb, called row_name. A single key is its text, a composite one the
-- text of a JSON array in key order.
CREATE OR REPLACE FUNCTION :schema.key_expression(row_name text, key_columns text[])
RETURNS text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT CASE cardinality(key_columns)
    WHEN 0 THEN 'NULL::text'
    WHEN 1 THEN format('%s ->> %L', row_name, key_columns[1])
    ELSE (
      SELECT format(
        'CASE WHEN %s IS NOT NULL THEN jsonb_build_array(%s)::text END',
        row_name, string_agg(format('%s -> %L', row_name, key.name), ', ' ORDER BY key.position))
      FROM unnest(key_columns) WITH ORDINALITY AS key (name, position)
    )
  END
$function$;

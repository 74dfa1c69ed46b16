-- The object_id of a row, or of a key as people and the API give it: a scalar,
-- an array in key order, or an object (a row, or the key's columns by name).
CREATE OR REPLACE FUNCTION :schema.object_id(identity jsonb, key_columns text[])
RETURNS text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT CASE
    WHEN jsonb_typeof(identity) = 'array' AND cardinality(key_columns) = 1 THEN identity ->> 0
    WHEN jsonb_typeof(identity) = 'array' THEN identity::text
    WHEN jsonb_typeof(identity) <> 'object' THEN identity #>> '{}'
    WHEN cardinality(key_columns) = 0 THEN NULL
    WHEN cardinality(key_columns) = 1 THEN identity ->> key_columns[1]
    ELSE (
      SELECT jsonb_agg(identity -> key.name ORDER BY key.position)::text
      FROM unnest(key_columns) WITH ORDINALITY AS key (name, position)
    )
  END
$function$;

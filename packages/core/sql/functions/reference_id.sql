-- The object_id of the row that an image of another row refers to by a foreign
-- key, whose columns are in the order of the referenced key; null where it
-- refers to none, or where the image lacks them.
CREATE OR REPLACE FUNCTION :schema.reference_id(image jsonb, columns text[])
RETURNS text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT CASE WHEN bool_and(image ->> name IS NOT NULL) THEN
    :schema.bounded_id(CASE WHEN count(*) = 1 THEN min(image ->> name) ELSE jsonb_agg(image -> name ORDER BY position)::text END)
  END
  FROM unnest(columns) WITH ORDINALITY AS key (name, position)
$function$;

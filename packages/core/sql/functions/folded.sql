-- Images of one row laid over each other: of a column the last value counts.
CREATE OR REPLACE FUNCTION :schema.folded(images jsonb[])
RETURNS jsonb
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT CASE
    WHEN cardinality(images) = 1 THEN images[1]
    ELSE (
      SELECT coalesce(jsonb_object_agg(part.key, part.value ORDER BY image.position), '{}')
      FROM unnest(images) WITH ORDINALITY AS image (document, position)
      CROSS JOIN LATERAL jsonb_each(image.document) AS part
    )
  END
$function$;

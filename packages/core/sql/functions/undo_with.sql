-- Documents of rows with some of them replaced, told by n.
CREATE OR REPLACE FUNCTION :schema.undo_with(rows jsonb[], others jsonb[])
RETURNS jsonb[]
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT CASE others WHEN '{}' THEN rows ELSE ARRAY(
    SELECT coalesce(other.document, own.document)
    FROM unnest(rows) AS own (document)
    LEFT JOIN unnest(others) AS other (document) ON other.document -> 'n' = own.document -> 'n'
  ) END
$function$;

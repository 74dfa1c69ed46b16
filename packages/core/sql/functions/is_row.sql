-- Whether an image is one of the row that an object_id names. Where the columns
-- of a composite key changed their order, two rows had the same object_id at
-- different times; what cannot be told from the image counts as the row.
CREATE OR REPLACE FUNCTION :schema.is_row(tracked_id integer, image jsonb, object_id text)
RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT cardinality(key_columns) < 2
    OR (image ?& key_columns) IS NOT TRUE
    OR :schema.bounded_id(:schema.object_id(image, key_columns)) = $3
  FROM :schema.audit_table
  WHERE id = tracked_id
$function$;

-- The labels of the rows that an image of a row refers to, by column; null
-- where there are none.
CREATE OR REPLACE FUNCTION :schema.reference_labels(tracked_id integer, image jsonb)
RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT jsonb_object_agg(name, referred.label)
  FROM :schema.labelled_references($1) AS reference
  CROSS JOIN LATERAL (
    SELECT :schema.row_label(reference.referenced_id, :schema.reference_id(image, reference.columns)) AS label
  ) AS referred
  CROSS JOIN LATERAL unnest(reference.columns) AS name
  WHERE referred.label IS NOT NULL
$function$;

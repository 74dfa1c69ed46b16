-- A row's image as an event holds it, under the column names of the moment that
-- is asked for. Between two recorded shapes somebody changed the table: the
-- names in the image tell on which side of that it was written.
--   exact: the columns whose type was the same
--   loose: those that have had another type since
CREATE OR REPLACE FUNCTION :schema.past_image(
  past jsonb, image jsonb, is_full boolean, changed_at timestamptz, OUT exact jsonb, OUT loose jsonb, OUT shape integer
)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  shapes jsonb := past -> 'shapes';
  named  jsonb;
BEGIN
  exact := coalesce(image, '{}');
  loose := '{}';
  shape := 0;
  IF jsonb_array_length(shapes) = 1 THEN
    RETURN;
  END IF;

  WITH candidate AS (
    SELECT (position - 1)::integer AS position, document -> 'map' AS names
    FROM jsonb_array_elements(shapes) WITH ORDINALITY AS known (document, position)
    WHERE coalesce((document ->> 'until')::timestamptz >= changed_at, true)
    ORDER BY position
    LIMIT 2
  )
  SELECT candidate.position
  INTO shape
  FROM candidate
  CROSS JOIN LATERAL (SELECT count(*) AS number FROM jsonb_object_keys(exact) AS key WHERE NOT candidate.names ? key) AS unknown
  CROSS JOIN LATERAL (SELECT count(*) AS number FROM jsonb_object_keys(candidate.names) AS key WHERE is_full AND NOT exact ? key) AS lacking
  ORDER BY unknown.number, lacking.number, candidate.position
  LIMIT 1;

  SELECT
    coalesce(jsonb_object_agg(names.value, image -> names.key) FILTER (WHERE NOT is_loose), '{}'),
    coalesce(jsonb_object_agg(names.value, image -> names.key) FILTER (WHERE is_loose), '{}')
  INTO exact, loose
  FROM jsonb_each_text(shapes -> shape -> 'map') AS names
  CROSS JOIN LATERAL (SELECT (shapes -> shape -> 'loose') ? names.value AS is_loose) AS kind
  WHERE image ? names.key AND names.value IS NOT NULL;
END
$function$;

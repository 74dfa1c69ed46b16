-- An event's image under the present names of the columns, and the names of
-- those that are not there any more.
CREATE OR REPLACE FUNCTION :schema.undo_image(
  past jsonb, whole boolean, changed_at timestamptz, INOUT image jsonb, OUT dropped text[]
)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  told record;
BEGIN
  IF image IS NOT NULL AND past IS NOT NULL THEN
    told := :schema.past_image(past, image, whole, changed_at);
    dropped := nullif(ARRAY(
      SELECT name FROM jsonb_object_keys(image) AS name
      WHERE past -> 'shapes' -> told.shape -> 'map' ->> name IS NULL AND jsonb_array_length(past -> 'shapes') > 1
    ), '{}');
    image := told.exact || told.loose;
  END IF;
END
$function$;

-- The label of a row of a tracked table, from an image of it; null without a
-- declared one, and where it cannot be evaluated: a label never makes the log
-- unreadable.
CREATE OR REPLACE FUNCTION :schema.label_of(tracked_id integer, image jsonb)
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  label text;
BEGIN
  IF image IS NULL OR to_regprocedure(format('%I.%I(jsonb)', :'schema', 'label_' || tracked_id)) IS NULL THEN
    RETURN NULL;
  END IF;
  EXECUTE format('SELECT :schema.%I($1)', 'label_' || tracked_id) INTO label USING image;
  RETURN label;
EXCEPTION WHEN OTHERS THEN
  RETURN NULL;
END
$function$;

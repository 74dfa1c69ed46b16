-- A row's document with the key that it has when it was written.
CREATE OR REPLACE FUNCTION :schema.undo_moved(document jsonb, tables jsonb)
RETURNS jsonb
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT CASE WHEN document ->> 'op' = 'update' AND document -> 'columns' ?| key.names
    THEN document || jsonb_build_object('at', (
      SELECT jsonb_object_agg(name, coalesce(document -> 'wanted' -> name, document -> 'at' -> name)) FROM unnest(key.names) AS name
    ))
    ELSE document
  END
  FROM (SELECT ARRAY(SELECT jsonb_array_elements_text(tables -> (document ->> 'table') -> 'key')) AS names) AS key
$function$;

-- Which of some columns an event has values of.
CREATE OR REPLACE FUNCTION :schema.names_in(event :schema.audit_event, names text[])
RETURNS text[]
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT ARRAY(
    SELECT name
    FROM unnest(names) AS name
    WHERE event.operation <> 'T' AND (event.old ? name OR event.new ? name OR event.meta ? name)
    ORDER BY name COLLATE "C"
  )
$function$;

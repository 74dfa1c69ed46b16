-- An object_id that fits its index: of a longer key the hash, which finds the
-- row as well; the key itself is in the event's data.
CREATE OR REPLACE FUNCTION :schema.bounded_id(object_id text)
RETURNS text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT CASE WHEN octet_length(object_id) > 2000 THEN 'md5 ' || md5(object_id) ELSE object_id END
$function$;

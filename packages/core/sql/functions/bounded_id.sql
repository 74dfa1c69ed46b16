-- An object_id that fits its index: of a longer key the hash, which finds the
-- row as well; the key itself is in the event's data.
CREATE OR REPLACE FUNCTION :schema.bounded_id(object_id text)
RETURNS text
LANGUAGE sql IMMUTABLE  -- without a setting, so that it is inlined
AS $function$
  SELECT CASE
    WHEN pg_catalog.octet_length(object_id) OPERATOR(pg_catalog.>) 2000
    THEN 'md5 '::text OPERATOR(pg_catalog.||) pg_catalog.md5(object_id)
    ELSE object_id
  END
$function$;

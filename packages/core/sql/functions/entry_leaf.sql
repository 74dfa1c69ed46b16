-- The hash of an entry in the tree of the chain, and as what the next one names.
CREATE OR REPLACE FUNCTION :schema.entry_leaf(entry json)
RETURNS bytea
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $function$
  SELECT pg_catalog.sha256(
    pg_catalog.decode('00', 'hex') OPERATOR(pg_catalog.||) pg_catalog.convert_to(entry::pg_catalog.text, 'UTF8')
  )
$function$;

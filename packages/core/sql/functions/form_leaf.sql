-- The hash of a canonical form in the tree of its block: RFC 6962, 2.1. Null where it
-- is so large that another form takes its place: see canonical_event.
CREATE OR REPLACE FUNCTION :schema.form_leaf(form text)
RETURNS bytea
LANGUAGE sql STABLE PARALLEL SAFE
AS $function$
  SELECT CASE WHEN pg_catalog.octet_length(form) OPERATOR(pg_catalog.<=) 1000000000 THEN pg_catalog.sha256(
    pg_catalog.decode('00', 'hex') OPERATOR(pg_catalog.||) pg_catalog.convert_to(form, 'UTF8')
  ) END
$function$;

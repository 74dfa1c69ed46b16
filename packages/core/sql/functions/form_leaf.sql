-- The hash of a canonical form, as UTF-8, in the tree of its block: RFC 6962, 2.1. Null where it
-- is so large that another form takes its place: see canonical_event.
DROP FUNCTION IF EXISTS :schema.form_leaf(text);  -- it encoded it itself
CREATE OR REPLACE FUNCTION :schema.form_leaf(form bytea)
RETURNS bytea
LANGUAGE sql STABLE PARALLEL SAFE
AS $function$
  SELECT CASE WHEN pg_catalog.octet_length(form) OPERATOR(pg_catalog.<=) 1000000000 THEN pg_catalog.sha256(
    pg_catalog.decode('00', 'hex') OPERATOR(pg_catalog.||) form
  ) END
$function$;

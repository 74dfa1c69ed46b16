-- The hash of an event in the tree of its block: RFC 6962, 2.1.
CREATE OR REPLACE FUNCTION :schema.event_leaf(event :schema.audit_event, context :schema.audit_context)
RETURNS bytea
LANGUAGE sql STABLE PARALLEL SAFE
AS $function$
  SELECT pg_catalog.sha256(
    pg_catalog.decode('00', 'hex') OPERATOR(pg_catalog.||) pg_catalog.convert_to(:schema.canonical(event, context), 'UTF8')
  )
$function$;

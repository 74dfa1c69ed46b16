-- The hash of an event in the tree of its block, whatever its size. What hashes many
-- of them uses leaf_query.
CREATE OR REPLACE FUNCTION :schema.event_leaf(event :schema.audit_event, context :schema.audit_context)
RETURNS bytea
LANGUAGE sql STABLE
AS $function$
  SELECT :schema.form_leaf(pg_catalog.convert_to(:schema.canonical_event(event, context), 'UTF8'))
$function$;

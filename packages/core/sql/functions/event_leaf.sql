-- The hash of an event in the tree of its block, whatever its size. What hashes many
-- of them tries form_leaf(canonical(...)) first: it is quicker.
CREATE OR REPLACE FUNCTION :schema.event_leaf(event :schema.audit_event, context :schema.audit_context)
RETURNS bytea
LANGUAGE sql STABLE
AS $function$
  SELECT :schema.form_leaf(:schema.canonical_event(event, context))
$function$;

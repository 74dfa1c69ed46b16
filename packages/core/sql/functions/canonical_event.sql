-- The canonical form of an event, whatever its size. A little jsonb can be more text
-- than PostgreSQL can hold: ten bytes are a number of 131072 digits. An event of more
-- than a billion bytes as text, which nobody writes by accident, has the form of
-- version 2: in place of each value of its documents stands the hash of its text.
CREATE OR REPLACE FUNCTION :schema.canonical_event(event :schema.audit_event, context :schema.audit_context)
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  too_large     CONSTANT jsonpath := '$.**{0 to 1} ? (@ == "too large")';
  short_event   :schema.audit_event := event;
  short_context :schema.audit_context := context;
  form          text;
BEGIN
  short_event.old := :schema.document_hashes(event.old);
  short_event.new := :schema.document_hashes(event.new);
  short_event.meta := :schema.document_hashes(event.meta);
  short_context.metadata := :schema.document_hashes(context.metadata);
  IF (short_event.old @? too_large OR short_event.new @? too_large OR short_event.meta @? too_large OR short_context.metadata @? too_large) IS NOT TRUE THEN
    BEGIN
      form := :schema.canonical(event, :schema.canonical_context(context));
    EXCEPTION WHEN program_limit_exceeded OR internal_error THEN
      form := NULL;  -- as value_hash: together they are too large
    END;
  END IF;
  IF :schema.form_leaf(form) IS NULL THEN
    form := :schema.canonical(short_event, :schema.canonical_context(short_context), 2);
  END IF;
  RETURN form;
END
$function$;

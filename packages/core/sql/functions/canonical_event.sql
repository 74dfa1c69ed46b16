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
  form text;
BEGIN
  BEGIN
    form := :schema.canonical(event, :schema.canonical_context(context))::text;
  EXCEPTION WHEN program_limit_exceeded OR internal_error THEN
    form := NULL;  -- internal is what PostgreSQL calls it within a few bytes of its limit
  END;
  IF :schema.form_leaf(convert_to(form, 'UTF8')) IS NULL THEN
    event.old := :schema.document_hashes(event.old);
    event.new := :schema.document_hashes(event.new);
    event.meta := :schema.document_hashes(event.meta);
    context.metadata := :schema.document_hashes(context.metadata);
    form := :schema.canonical(event, :schema.canonical_context(context), 2)::text;
  END IF;
  RETURN form;
END
$function$;

-- A context without what is erased from it: names of its metadata, client_addr,
-- context_error. That somebody did it stays known: the user becomes "erased".
CREATE OR REPLACE FUNCTION :schema.redacted_context(context :schema.audit_context, names text[])
RETURNS :schema.audit_context
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  gone CONSTANT text := 'erased';
BEGIN
  IF 'user_id' = ANY (names) THEN
    context.user_id := CASE WHEN context.user_id IS NOT NULL THEN gone END;
    names := array_remove(names, 'user_id');
    context.metadata := context.metadata || CASE WHEN context.metadata ? 'user_id' THEN jsonb_build_object('user_id', gone) ELSE '{}' END;
  END IF;
  IF 'client_addr' = ANY (names) THEN
    context.client_addr := NULL;
  END IF;
  IF 'context_error' = ANY (names) AND context.context_error IS NOT NULL THEN
    -- it may quote what could not be stored
    context.context_error := gone;
  END IF;
  context.metadata := context.metadata - names;
  RETURN context;
END
$function$;

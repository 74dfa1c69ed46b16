-- The id of the context row of this transaction and context, written if need be,
-- for what the log itself does on request.
CREATE OR REPLACE FUNCTION :schema.this_context()
RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  payload    text := coalesce(current_setting('auditrum.context', true), '');
  remembered text := current_setting(:'remembered', true);
  known      text := split_part(remembered, ' ', 3);
  context_id bigint;
BEGIN
  IF starts_with(remembered, pg_current_xact_id()::text || ' ' || hashtextextended(payload, 0) || ' ') AND known ~ '^([0-9]{1,18}|[1-8][0-9]{18})$' THEN
    -- it may have been set by hand
    SELECT context.id INTO context_id FROM :schema.audit_context AS context WHERE context.id = known::bigint AND context.txid = pg_current_xact_id();
    IF FOUND THEN
      RETURN context_id;
    END IF;
  END IF;
  RETURN :schema.write_context(payload);
END
$function$;

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
BEGIN
  IF starts_with(remembered, pg_current_xact_id()::text || ' ' || hashtextextended(payload, 0) || ' ') THEN
    RETURN split_part(remembered, ' ', 3)::bigint;
  END IF;
  RETURN :schema.write_context(payload);
END
$function$;

-- Gives the audit context of this transaction the reason of an undo, inside the
-- one that it has, and tells its metadata. Who carries contexts from the
-- application has done so already; a signed context is of whoever signed it.
CREATE OR REPLACE FUNCTION :schema.undo_context(reason text)
RETURNS jsonb
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  payload    text := coalesce(nullif(current_setting('auditrum.context', true), ''), '{}');
  document   jsonb;
  is_wrapped boolean;
  metadata   jsonb;
BEGIN
  IF starts_with(payload, 's1 ') OR to_regclass(':schema.audit_key') IS NOT NULL THEN
    RETURN jsonb_build_object('change_reason', reason);
  END IF;
  BEGIN
    document := payload::jsonb;
  EXCEPTION WHEN OTHERS THEN
    RETURN jsonb_build_object('change_reason', reason);  -- the error is said in context_error
  END;
  is_wrapped := document ? 'v' AND jsonb_typeof(document -> 'metadata') = 'object';
  metadata := CASE WHEN is_wrapped THEN document -> 'metadata' ELSE document END;
  IF jsonb_typeof(metadata) <> 'object' THEN
    RETURN jsonb_build_object('change_reason', reason);
  ELSIF right(metadata ->> 'change_reason', length(reason)) = reason THEN
    RETURN metadata;
  END IF;
  metadata := metadata || jsonb_build_object('change_reason', concat_ws(' -> ', nullif(metadata ->> 'change_reason', ''), reason));
  PERFORM set_config('auditrum.context', CASE
    -- another context, inside the same root
    WHEN is_wrapped THEN document || jsonb_build_object(
      'id', gen_random_uuid(), 'root', coalesce(document ->> 'root', document ->> 'id'), 'metadata', metadata
    )
    ELSE metadata
  END::text, true);
  RETURN metadata;
END
$function$;

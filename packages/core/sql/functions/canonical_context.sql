-- A context as it stands in the canonical form of its events, to be made once for
-- all of them: null where there is none. One expression, as canonical.
CREATE OR REPLACE FUNCTION :schema.canonical_context(context :schema.audit_context)
RETURNS json
LANGUAGE sql STABLE PARALLEL SAFE
AS $function$
  SELECT CASE WHEN context.id IS NOT NULL THEN pg_catalog.json_build_array(
    context.id,
    context.transaction_id,
    context.txid,
    pg_catalog.trunc(extract(epoch FROM context.started_at) OPERATOR(pg_catalog.*) 1000000),
    context.uuid,
    context.root_uuid,
    context.user_id,
    context.application_name,
    pg_catalog.text(context.client_addr),
    context.metadata,
    context.context_error
  ) END
$function$;

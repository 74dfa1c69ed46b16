-- The hash of the record of an erasure, with the context that says who asked for it and
-- why: what its entries in the chain name, so that these cannot be changed. All of it
-- but these entries.
CREATE OR REPLACE FUNCTION :schema.erasure_record(erasure :schema.audit_erasure)
RETURNS bytea
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT sha256(convert_to(json_build_array(
    1,
    'erasure',
    erasure.id,
    trunc(extract(epoch FROM erasure.erased_at) * 1000000),
    erasure.context_id,
    erasure.db_user,
    erasure.reason,
    erasure.table_id,
    erasure.columns,
    erasure.events,
    erasure.contexts,
    -- one there is of an id
    (SELECT CASE count(*) WHEN 1 THEN json_agg(:schema.canonical_context(context)) -> 0 END FROM :schema.audit_context AS context WHERE context.id = erasure.context_id)
  )::text, 'UTF8'))
$function$;

-- Writes an erasure into the chain, which the caller has locked: which of the sealed events
-- it changed, if any, with their new leaves. Returns the id of the entry.
--   redacted  as read_entry knows them
CREATE OR REPLACE FUNCTION :schema.redact_entry(erasure :schema.audit_erasure, redacted jsonb)
RETURNS bigint
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT :schema.seal_append('redact', jsonb_build_object(
    'erasure', erasure.id::text,
    'record', encode(:schema.erasure_record(erasure), 'hex'),
    'events', jsonb_array_length(redacted),
    'columns', (
      SELECT coalesce(jsonb_agg(DISTINCT name), '[]')
      FROM jsonb_array_elements(redacted) AS one CROSS JOIN LATERAL jsonb_array_elements_text(one -> 'columns') AS name
    ),
    'redacted', redacted
  ))
$function$;

-- Whether what is on record of erasures and purges is what the chain says of them: who
-- asked for each, when and why. Returns problems as verify_relations does; block is the
-- entry of the chain.
CREATE OR REPLACE FUNCTION :schema.verify_records()
RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $function$
  WITH act AS MATERIALIZED (
    SELECT own.id AS entry, said ->> 'kind' AS kind, coalesce(said ->> 'erasure', said ->> 'purge')::bigint AS id, decode(said ->> 'record', 'hex') AS record
    FROM :schema.audit_seal AS own CROSS JOIN LATERAL :schema.read_entry(own.id, own.entry) AS said
    WHERE own.entry ->> 'kind' IN ('retire', 'redact') AND said IS NOT NULL
  ), erasing AS (
    SELECT act.id, array_agg(act.entry ORDER BY act.entry) AS entries FROM act WHERE act.kind = 'redact' GROUP BY act.id
  ), problem AS (
    SELECT act.entry, 'erasure' AS what, act.id, erasure.id IS NULL AS is_gone
    FROM act LEFT JOIN :schema.audit_erasure AS erasure ON erasure.id = act.id
    WHERE act.kind = 'redact' AND (erasure.id IS NULL OR :schema.erasure_record(erasure) <> act.record)
    UNION ALL
    SELECT act.entry, 'purge', act.id, purge.id IS NULL
    FROM act LEFT JOIN :schema.audit_purge AS purge ON purge.id = act.id
    WHERE act.kind = 'retire' AND (purge.id IS NULL OR :schema.purge_record(purge) <> act.record)
    UNION ALL
    SELECT NULL, 'erasure', erasure.id, false
    FROM :schema.audit_erasure AS erasure LEFT JOIN erasing USING (id)
    WHERE erasure.entries IS DISTINCT FROM coalesce(erasing.entries, '{}')
  )
  SELECT coalesce(jsonb_agg(jsonb_build_object(
    'kind', CASE WHEN is_gone THEN 'missing' ELSE 'edited' END, 'event', NULL, 'block', entry::text, 'entry', NULL,
    'message', CASE
      WHEN is_gone THEN format('The record of %s %s, of which entry %s of the chain tells, is gone: who asked for it, and why.', what, id, entry)
      WHEN entry IS NULL THEN format('The record of %s %s names other entries of the chain than tell of it.', what, id)
      ELSE format('The record of %s %s, or its context, is not what entry %s of the chain says: when it was, who asked for it, why, and what went.', what, id, entry)
    END
  ) ORDER BY entry, id), '[]')
  FROM problem
$function$;

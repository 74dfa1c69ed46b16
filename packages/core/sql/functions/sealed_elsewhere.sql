-- Whether the chain goes on from another cluster, whose transaction ids mean nothing
-- here: a dump was restored, or pg_upgrade was run. False where nothing is sealed.
CREATE OR REPLACE FUNCTION :schema.sealed_elsewhere()
RETURNS boolean
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT coalesce((
    SELECT said ->> 'system' <> :schema.system_identifier()
    FROM :schema.audit_seal AS own CROSS JOIN LATERAL :schema.read_entry(own.id, own.entry) AS said
    WHERE own.entry ->> 'kind' IN ('start', 'rebase') AND said IS NOT NULL
    ORDER BY own.id DESC
    LIMIT 1
  ), false) OR coalesce((
    -- where nobody may know which cluster it is
    SELECT pg_snapshot_xmin((said ->> 'snapshot')::pg_snapshot) > pg_snapshot_xmax(pg_current_snapshot())
    FROM :schema.audit_seal AS own CROSS JOIN LATERAL :schema.read_entry(own.id, own.entry) AS said
    WHERE own.entry ->> 'kind' IN ('start', 'block', 'rebase') AND said IS NOT NULL
    ORDER BY own.id DESC
    LIMIT 1
  ), false)
$function$;

-- What was over and sealed before the round of a block began: a block that holds events
-- of such a transaction is forged. Null where the round before was of another cluster,
-- whose transaction ids mean nothing.
CREATE OR REPLACE FUNCTION :schema.sealed_before(block bigint)
RETURNS pg_snapshot
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET enable_sort = off  -- by ids backwards, or it would read all of the chain
AS $function$
  SELECT CASE WHEN earlier.said ->> 'incarnation' = own ->> 'incarnation' THEN (earlier.said ->> 'snapshot')::pg_snapshot END
  FROM :schema.audit_seal AS sealing
  CROSS JOIN LATERAL :schema.read_entry(sealing.id, sealing.entry) AS own
  CROSS JOIN LATERAL (
    SELECT said
    FROM :schema.audit_seal AS seal CROSS JOIN LATERAL :schema.read_entry(seal.id, seal.entry) AS said
    WHERE seal.id < sealing.id AND seal.entry ->> 'kind' IN ('start', 'block', 'rebase')
      AND seal.entry ->> 'more' IS DISTINCT FROM 'true'  -- a round may be many blocks
      AND said IS NOT NULL
    ORDER BY seal.id DESC
    LIMIT 1
  ) AS earlier
  WHERE sealing.id = sealed_before.block
$function$;

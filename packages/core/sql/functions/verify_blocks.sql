-- Whether the leaves of blocks are those that were sealed: each list has to lead to
-- the root that the chain holds. Returns {events, problems}: how many they seal.
CREATE OR REPLACE FUNCTION :schema.verify_blocks(first bigint, last bigint)
RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $function$
  WITH sealed AS (
    SELECT own.id AS block, (own.entry ->> 'events')::integer AS events, own.entry ->> 'root' AS root, leaf.ids, leaf.hashes
    FROM :schema.audit_seal AS own
    LEFT JOIN :schema.audit_leaf AS leaf ON leaf.block = own.id
    WHERE own.id BETWEEN first AND last AND own.entry ->> 'kind' = 'block'
  ), problem AS (
    SELECT sealed.block, CASE
      WHEN sealed.hashes IS NULL THEN 'missing'
      ELSE 'rewritten'
    END AS kind, CASE
      WHEN sealed.hashes IS NULL
      THEN format('The leaves of block %s are gone, and not all of its %s events were retired.', sealed.block, sealed.events)
      ELSE format('The leaves of block %s do not lead to its root.', sealed.block)
    END AS message
    FROM sealed
    WHERE CASE
      WHEN sealed.hashes IS NULL
      THEN sealed.events > (SELECT count(DISTINCT gone.place) FROM :schema.amendments(ARRAY[sealed.block]) AS gone WHERE gone.leaf IS NULL)
      ELSE octet_length(sealed.hashes) <> 32 * sealed.events
        OR cardinality(sealed.ids) <> sealed.events
        OR encode(:schema.merkle_root(sealed.hashes), 'hex') IS DISTINCT FROM sealed.root
    END
    UNION ALL
    SELECT leaf.block, 'added', format('There are leaves of a block %s, which the chain does not know.', leaf.block)
    FROM :schema.audit_leaf AS leaf
    WHERE leaf.block BETWEEN first AND last AND NOT EXISTS (SELECT FROM sealed WHERE sealed.block = leaf.block)
  )
  SELECT jsonb_build_object(
    'events', (SELECT coalesce(sum(events), 0) FROM sealed),
    'problems', (
      SELECT coalesce(jsonb_agg(jsonb_build_object('kind', kind, 'event', NULL, 'block', block::text, 'message', message) ORDER BY block), '[]')
      FROM problem
    )
  )
$function$;

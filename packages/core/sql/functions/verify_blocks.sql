-- Whether the leaves of blocks are those that were sealed: each list has to lead to
-- the root that the chain holds. Returns problems as verify_events does, with event
-- null: rewritten, missing (gone, and not all of its events were retired), added
-- (of a block that the chain does not know).
CREATE OR REPLACE FUNCTION :schema.verify_blocks(first bigint, last bigint)
RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $function$
  WITH sealed AS (
    SELECT own.id AS block, (said ->> 'events')::integer AS events, said ->> 'root' AS root, said ->> 'last' AS last, leaf.ids, leaf.hashes, leaf.first_id, leaf.last_id,
      count(*) OVER (PARTITION BY own.id) > 1 AS doubled
    FROM :schema.audit_seal AS own
    CROSS JOIN LATERAL :schema.read_entry(own.id, own.entry) AS said
    LEFT JOIN :schema.audit_leaf AS leaf ON leaf.block = own.id
    WHERE own.id BETWEEN first AND last AND own.entry ->> 'kind' = 'block' AND said IS NOT NULL
  ), gone AS MATERIALIZED (
    SELECT DISTINCT block, events FROM sealed WHERE hashes IS NULL AND events > 0
  ), retired AS MATERIALIZED (
    -- all of the blocks in a row, or some events of one
    SELECT piece.block, coalesce(piece."to", piece.block) AS last, decode(piece.which, 'base64') AS bits
    FROM :schema.audit_seal AS retiring
    CROSS JOIN LATERAL :schema.read_entry(retiring.id, retiring.entry) AS said
    CROSS JOIN LATERAL jsonb_to_recordset(said -> 'retired') AS piece (block bigint, "to" bigint, which text)
    WHERE retiring.entry ->> 'kind' = 'retire' AND EXISTS (SELECT FROM gone)
      AND piece.block <= verify_blocks.last AND coalesce(piece."to", piece.block) >= verify_blocks.first
  ), problem AS (
    SELECT gone.block, 'missing' AS kind
    FROM gone
    WHERE NOT EXISTS (SELECT FROM retired WHERE retired.bits IS NULL AND gone.block BETWEEN retired.block AND retired.last)
      AND gone.events > (
        SELECT count(DISTINCT place)
        FROM retired CROSS JOIN LATERAL generate_series(0, least(gone.events, 8 * octet_length(retired.bits)) - 1) AS place
        WHERE retired.block = gone.block AND get_bit(retired.bits, place) = 1
      )
    UNION ALL
    SELECT DISTINCT sealed.block, 'rewritten'
    FROM sealed
    WHERE sealed.doubled OR sealed.hashes IS NOT NULL AND (
      NOT :schema.is_list(sealed.ids, sealed.first_id, sealed.last_id) OR sealed.last_id::text IS DISTINCT FROM sealed.last OR cardinality(sealed.ids) <> sealed.events
        OR octet_length(sealed.hashes) <> 32 * sealed.events OR encode(:schema.merkle_root(sealed.hashes), 'hex') IS DISTINCT FROM sealed.root
    )
    UNION ALL
    SELECT leaf.block, 'added'
    FROM :schema.audit_leaf AS leaf
    WHERE leaf.block BETWEEN first AND last AND NOT EXISTS (SELECT FROM sealed WHERE sealed.block = leaf.block)
  )
  SELECT coalesce(jsonb_agg(jsonb_build_object('kind', kind, 'event', NULL, 'block', block::text, 'entry', NULL) ORDER BY block), '[]')
  FROM problem
$function$;

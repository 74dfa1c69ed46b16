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
    SELECT own.id AS block, (own.entry ->> 'events')::integer AS events, own.entry ->> 'root' AS root, own.entry ->> 'last' AS last, leaf.ids, leaf.hashes, leaf.first_id, leaf.last_id
    FROM :schema.audit_seal AS own
    LEFT JOIN :schema.audit_leaf AS leaf ON leaf.block = own.id
    WHERE own.id BETWEEN first AND last AND own.entry ->> 'kind' = 'block'
  ), retired AS MATERIALIZED (
    -- all of the blocks in a row, or some events of one
    SELECT piece.block, coalesce(piece."to", piece.block) AS last, piece.events, piece.which IS NULL AS whole
    FROM :schema.audit_seal AS retiring
    CROSS JOIN json_to_recordset(retiring.entry -> 'retired') AS piece (block bigint, "to" bigint, events bigint, which text)
    WHERE retiring.entry ->> 'kind' = 'retire' AND coalesce(piece."to", piece.block) < retiring.id AND piece.block <= verify_blocks.last AND coalesce(piece."to", piece.block) >= verify_blocks.first
  ), problem AS (
    SELECT sealed.block, CASE WHEN sealed.hashes IS NULL THEN 'missing' ELSE 'rewritten' END AS kind
    FROM sealed
    WHERE CASE
      WHEN sealed.hashes IS NULL
      THEN sealed.events > coalesce((
        SELECT CASE WHEN bool_or(retired.whole) THEN sealed.events ELSE sum(retired.events) END
        FROM retired WHERE sealed.block BETWEEN retired.block AND retired.last
      ), 0)
      ELSE NOT :schema.is_list(sealed.ids, sealed.first_id, sealed.last_id) OR sealed.last_id::text IS DISTINCT FROM sealed.last OR cardinality(sealed.ids) <> sealed.events
        OR octet_length(sealed.hashes) <> 32 * sealed.events OR encode(:schema.merkle_root(sealed.hashes), 'hex') IS DISTINCT FROM sealed.root
    END
    UNION ALL
    SELECT leaf.block, 'added'
    FROM :schema.audit_leaf AS leaf
    WHERE leaf.block BETWEEN first AND last AND NOT EXISTS (SELECT FROM sealed WHERE sealed.block = leaf.block)
  )
  SELECT coalesce(jsonb_agg(jsonb_build_object('kind', kind, 'event', NULL, 'block', block::text, 'entry', NULL) ORDER BY block), '[]')
  FROM problem
$function$;

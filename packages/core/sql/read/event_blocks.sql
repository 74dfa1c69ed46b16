-- The blocks that list an event, with its place in each; and how many entries the chain has.
SELECT
  leaf.block::text AS block,
  (pg_catalog.array_position(leaf.ids, $1::bigint) - 1)::text AS place,
  pg_catalog.encode(leaf.hashes, 'hex') AS hashes,
  (SELECT (pg_catalog.max(seal.id)::pg_catalog.numeric + 1)::text FROM :schema.audit_seal AS seal) AS size
FROM :schema.audit_leaf AS leaf
WHERE leaf.first_id <= leaf.last_id AND leaf.last_id < 9223372036854775807 AND pg_catalog.array_ndims(leaf.ids) = 1 AND pg_catalog.int8range(leaf.first_id, leaf.last_id, '[]') @> $1::bigint AND $1::bigint = ANY (leaf.ids)

-- The leaves of the blocks that hold events with an id behind $1, up to $2, as in
-- leaves_of_blocks.
SELECT leaf.block::pg_catalog.text AS block,
  pg_catalog.array_to_json(leaf.ids::pg_catalog.text[])::pg_catalog.text AS ids,
  pg_catalog.encode(leaf.hashes, 'base64') AS hashes
FROM :schema.audit_leaf AS leaf
WHERE leaf.first_id <= leaf.last_id AND leaf.last_id < 9223372036854775807 AND leaf.block IS NOT NULL AND pg_catalog.array_ndims(leaf.ids) = 1 AND pg_catalog.array_lower(leaf.ids, 1) = 1
  AND pg_catalog.int8range(leaf.first_id, leaf.last_id, '[]') && pg_catalog.int8range($1::pg_catalog.int8, NULLIF($2::pg_catalog.int8, 9223372036854775807), '(]')
ORDER BY leaf.block

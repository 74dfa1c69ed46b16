-- The leaves of some blocks: ids as a JSON array of texts, null where they are no list;
-- hashes as base64.
SELECT leaf.block::pg_catalog.text AS block,
  CASE WHEN pg_catalog.array_ndims(leaf.ids) = 1 AND pg_catalog.array_lower(leaf.ids, 1) = 1 THEN pg_catalog.array_to_json(leaf.ids::pg_catalog.text[])::pg_catalog.text END AS ids,
  pg_catalog.encode(leaf.hashes, 'base64') AS hashes,
  leaf.first_id::pg_catalog.text AS first_id,
  leaf.last_id::pg_catalog.text AS last_id
FROM :schema.audit_leaf AS leaf
WHERE leaf.block BETWEEN $1::pg_catalog.int8 AND $2::pg_catalog.int8
ORDER BY leaf.block

-- The lists of some blocks, as in sealed_leaves.
SELECT leaf.block::pg_catalog.text AS block,
  pg_catalog.cardinality(leaf.ids) AS events,
  pg_catalog.encode(leaf.hashes, 'base64') AS hashes
FROM :schema.audit_leaf AS leaf
WHERE leaf.block BETWEEN $1::pg_catalog.int8 AND $2::pg_catalog.int8
ORDER BY leaf.block

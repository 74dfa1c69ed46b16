-- The smallest place from $1 on that has an entry of the chain, or leaves; null: there is none.
SELECT LEAST(
  (SELECT pg_catalog.min(seal.id) FROM :schema.audit_seal AS seal WHERE seal.id >= $1::pg_catalog.int8),
  (SELECT pg_catalog.min(leaf.block) FROM :schema.audit_leaf AS leaf WHERE leaf.block >= $1::pg_catalog.int8)
)::pg_catalog.text AS next

-- The smallest id of an event from $1 on, there or listed in a block; null: there is none.
SELECT LEAST(
  (SELECT pg_catalog.min(event.id) FROM :schema.audit_event AS event WHERE event.id >= $1::pg_catalog.int8),
  (SELECT pg_catalog.min(GREATEST(leaf.first_id, $1::pg_catalog.int8)) FROM :schema.audit_leaf AS leaf WHERE leaf.last_id >= $1::pg_catalog.int8)
)::pg_catalog.text AS next

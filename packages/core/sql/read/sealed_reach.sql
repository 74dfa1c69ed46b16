-- What there is to verify: the last place of the chain, the smallest id of events,
-- whether they are there or ought to be, and the greatest of those that are.
SELECT
  (SELECT pg_catalog.max(place) FROM (
    SELECT pg_catalog.max(seal.id) FROM :schema.audit_seal AS seal
    UNION ALL SELECT pg_catalog.max(leaf.block) FROM :schema.audit_leaf AS leaf
  ) AS known (place))::pg_catalog.text AS entries,
  LEAST((SELECT pg_catalog.min(event.id) FROM :schema.audit_event AS event), GREATEST((SELECT pg_catalog.min(leaf.first_id) FROM :schema.audit_leaf AS leaf), 1))::pg_catalog.text AS first_id,
  (SELECT pg_catalog.max(event.id) FROM :schema.audit_event AS event)::pg_catalog.text AS last_id,
  EXISTS (
    SELECT FROM pg_catalog.pg_attribute AS col
    WHERE col.attrelid = ':schema.audit_event'::pg_catalog.regclass AND col.attname = 'salt' AND col.atthasdef
  )::pg_catalog.text AS salted

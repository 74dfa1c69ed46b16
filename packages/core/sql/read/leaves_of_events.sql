-- Where events with an id behind $1, up to $2, are sealed: their block, their place in
-- it, and their leaf as base64. What is no list of ids lists nothing.
SELECT list.block::pg_catalog.text AS block, (own.place - 1)::pg_catalog.text AS place, own.id::pg_catalog.text AS id,
  pg_catalog.encode(pg_catalog.substr(list.hashes, 32 * own.place::pg_catalog.int4 - 31, 32), 'base64') AS leaf
FROM (
  SELECT leaf.block, leaf.ids, leaf.hashes || ''::pg_catalog.bytea AS hashes
  FROM :schema.audit_leaf AS leaf
  WHERE leaf.first_id <= leaf.last_id AND leaf.last_id < 9223372036854775807 AND leaf.block IS NOT NULL AND pg_catalog.array_ndims(leaf.ids) = 1 AND pg_catalog.array_lower(leaf.ids, 1) = 1
    AND pg_catalog.int8range(leaf.first_id, leaf.last_id, '[]') && pg_catalog.int8range($1::pg_catalog.int8, NULLIF($2::pg_catalog.int8, 9223372036854775807), '(]')
  OFFSET 0  -- in memory, or each look would fetch the hashes anew
) AS list
CROSS JOIN LATERAL pg_catalog.unnest(list.ids) WITH ORDINALITY AS own (id, place)
WHERE own.id > $1::pg_catalog.int8 AND own.id <= $2::pg_catalog.int8
ORDER BY list.block, own.place

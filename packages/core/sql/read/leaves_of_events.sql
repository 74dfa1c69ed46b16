-- Where events with an id behind $1, up to $2, are sealed: their block, their place in
-- it, and their leaf as base64. What is no list of ids lists nothing.
SELECT list.block::pg_catalog.text AS block, (own.place - 1)::pg_catalog.text AS place, own.id::pg_catalog.text AS id,
  pg_catalog.encode(pg_catalog.substr(list.hashes, (32 * (own.place - list.first) + 1)::pg_catalog.int4, 32), 'base64') AS leaf
FROM (
  -- of the hashes what is asked for, once: each look would fetch them anew
  SELECT leaf.block, part.ids, part.places, part.first,
    pg_catalog.substr(leaf.hashes, (32 * part.first - 31)::pg_catalog.int4, (32 * (part.last - part.first + 1))::pg_catalog.int4) AS hashes
  FROM :schema.audit_leaf AS leaf
  CROSS JOIN LATERAL (
    SELECT pg_catalog.min(own.place) AS first, pg_catalog.max(own.place) AS last, pg_catalog.array_agg(own.id) AS ids, pg_catalog.array_agg(own.place) AS places
    FROM pg_catalog.unnest(leaf.ids) WITH ORDINALITY AS own (id, place)
    WHERE own.id > $1::pg_catalog.int8 AND own.id <= $2::pg_catalog.int8
  ) AS part
  WHERE leaf.first_id <= leaf.last_id AND leaf.last_id < 9223372036854775807 AND leaf.block IS NOT NULL AND pg_catalog.array_ndims(leaf.ids) = 1 AND pg_catalog.array_lower(leaf.ids, 1) = 1
    AND pg_catalog.int8range(leaf.first_id, leaf.last_id, '[]') && pg_catalog.int8range($1::pg_catalog.int8, NULLIF($2::pg_catalog.int8, 9223372036854775807), '(]')
  OFFSET 0
) AS list
CROSS JOIN LATERAL ROWS FROM (pg_catalog.unnest(list.ids), pg_catalog.unnest(list.places)) AS own (id, place)
ORDER BY list.block, own.place

-- Those of the first so many entries that redact an event, which is in this place of its block.
SELECT seal.id::text AS id
FROM :schema.audit_seal AS seal
WHERE seal.entry ->> 'kind' = 'redact'
  AND seal.id < $2::bigint
  AND EXISTS (
    SELECT FROM pg_catalog.json_array_elements(CASE pg_catalog.json_typeof(seal.entry -> 'redacted') WHEN 'array' THEN seal.entry -> 'redacted' END) AS one
    WHERE one ->> 'event' = $1 AND one ->> 'block' = $3 AND one ->> 'place' = $4
  )
ORDER BY seal.id

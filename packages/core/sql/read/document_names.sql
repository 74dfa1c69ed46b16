-- The names of the members of each document of an event, as JSON arrays; not of one
-- that is no object, or has more of them than a table can have columns.
SELECT document.name AS document, (
    SELECT CASE WHEN pg_catalog.jsonb_typeof(document.value) = 'object' AND pg_catalog.count(*) <= 1600 THEN coalesce(pg_catalog.json_agg(member.name), '[]') END
    FROM pg_catalog.jsonb_object_keys(CASE pg_catalog.jsonb_typeof(document.value) WHEN 'object' THEN document.value END) AS member (name)
  )::text AS names
FROM :schema.audit_event AS event
LEFT JOIN :schema.audit_context AS context ON context.id = event.context_id AND context.txid = event.txid
CROSS JOIN LATERAL (
  VALUES ('old', event.old), ('new', event.new), ('meta', event.meta), ('metadata', context.metadata)
) AS document (name, value)
WHERE event.id = $1::pg_catalog.int8 AND pg_catalog.trunc(extract(epoch FROM event.changed_at) * 1000000)::text = $2::text
  AND document.value IS NOT NULL

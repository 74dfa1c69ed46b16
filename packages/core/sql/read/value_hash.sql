-- The SHA-256 of a value of an event as text, hexadecimal: null where that is more
-- than a billion bytes. $3 is the document, $4 the member of it, null: all of it.
SELECT CASE WHEN pg_catalog.octet_length(form.text) <= 1000000000 THEN
  pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(form.text, 'UTF8')), 'hex')
END AS hash
FROM :schema.audit_event AS event
LEFT JOIN :schema.audit_context AS context ON context.id = event.context_id AND context.txid = event.txid
CROSS JOIN LATERAL (
  SELECT CASE $3::text WHEN 'old' THEN event.old WHEN 'new' THEN event.new WHEN 'meta' THEN event.meta WHEN 'metadata' THEN context.metadata END AS value
) AS document
CROSS JOIN LATERAL (
  SELECT CASE WHEN $4::text IS NULL THEN document.value::text ELSE (document.value -> $4::text)::text END AS text
  OFFSET 0  -- or it would be made twice
) AS form
WHERE event.id = $1::pg_catalog.int8 AND pg_catalog.trunc(extract(epoch FROM event.changed_at) * 1000000)::text = $2::text

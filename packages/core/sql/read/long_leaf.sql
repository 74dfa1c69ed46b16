-- The leaf of an event whose documents are long, as base64: what is hashed is $3 to $7
-- with its documents between them, and without a context $3 to $6. Null where that is
-- more than a billion bytes.
SELECT CASE WHEN pg_catalog.octet_length(form.text) <= 1000000000 THEN
  pg_catalog.encode(pg_catalog.sha256(pg_catalog.decode('00', 'hex') || pg_catalog.convert_to(form.text, 'UTF8')), 'base64')
END AS leaf
FROM :schema.audit_event AS event
LEFT JOIN :schema.audit_context AS context ON context.id = event.context_id AND context.txid = event.txid
CROSS JOIN LATERAL (
  SELECT pg_catalog.concat(
    $3::text, coalesce(event.old::text, 'null'), $4::text, coalesce(event.new::text, 'null'), $5::text, coalesce(event.meta::text, 'null'), $6::text,
    CASE WHEN $7::text IS NOT NULL THEN coalesce(context.metadata::text, 'null') END, $7::text
  ) AS text
  OFFSET 0  -- or it would be made twice
) AS form
WHERE event.id = $1::pg_catalog.int8 AND pg_catalog.trunc(extract(epoch FROM event.changed_at) * 1000000)::text = $2::text

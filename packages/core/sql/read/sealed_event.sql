-- An event as it is hashed. A forged second one of the same id comes as well.
SELECT :schema.canonical(event, context) AS canonical
FROM :schema.audit_event AS event
LEFT JOIN :schema.audit_context AS context ON context.id = event.context_id AND context.txid = event.txid
WHERE event.id = $1::bigint

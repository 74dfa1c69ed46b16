-- An event in the form in which it is sealed, for who may read the log: a proof
-- holds it. A forged second one of the same id comes as well.
CREATE OR REPLACE FUNCTION :schema.sealed_event(event_id bigint)
RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT :schema.canonical_event(event, context)
  FROM :schema.audit_event AS event
  LEFT JOIN :schema.audit_context AS context ON context.id = event.context_id AND context.txid = event.txid
  WHERE event.id = event_id
$function$;

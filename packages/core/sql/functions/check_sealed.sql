-- Refuses to go on unless these events, with their contexts, are what was sealed,
-- or not sealed yet: erasure would cover up what was changed. SQLSTATE AU006.
CREATE OR REPLACE FUNCTION :schema.check_sealed(ids bigint[], times timestamptz[])
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off  -- however many they seem to be
SET jit = off
AS $function$
DECLARE
  until record;
  wrong bigint;
BEGIN
  SELECT * INTO until FROM :schema.sealed_until();
  SELECT event.id INTO wrong
  FROM unnest(ids, times) AS own (id, changed_at)
  JOIN :schema.audit_event AS event ON event.id = own.id AND event.changed_at = own.changed_at
  LEFT JOIN :schema.audit_context AS context ON context.id = event.context_id AND context.txid = event.txid
  LEFT JOIN :schema.places_of(ids) AS sealed ON sealed.event_id = event.id
  WHERE CASE
    WHEN sealed.event_id IS NOT NULL THEN sealed.leaf IS DISTINCT FROM :schema.event_leaf(event, context)
    ELSE NOT :schema.was_running(event.id, event.txid, until.snapshot, until.sequence, until.before, until.moved)
  END
  ORDER BY event.id
  LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU006',
      MESSAGE = format('Event %s is not what was sealed, so nothing of it can be erased.', wrong),
      HINT = 'See what "auditrum verify-chain" says, or select :schema.verify_chain(): erasing would cover up what was changed.';
  END IF;
END
$function$;

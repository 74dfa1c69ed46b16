-- The contexts that a condition on them (context_condition) is true of, as far as
-- events between two times can have them; null if they are more than 10,000: so
-- many that each few events meet one. A context is written with its first event,
-- so they lie between the same ids, except where a transaction goes on for long or
-- a clock was set: of these the index of times knows.
CREATE OR REPLACE FUNCTION :schema.contexts_at(condition text, since timestamptz, until timestamptz, OUT ids bigint[], OUT txids xid8[])
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off  -- however much of a month it seems to be
SET jit = off
AS $function$
DECLARE
  first_id bigint := CASE WHEN isfinite(since) THEN (extract(epoch FROM since) * 1000)::bigint << 20 ELSE 0 END;
  last_id  bigint := CASE WHEN isfinite(until) THEN ((extract(epoch FROM until) * 1000)::bigint + 1000) << 20 ELSE 9223372036854775807 END;
  elsewhere bigint[];
  number   integer;
BEGIN
  IF isfinite(since) OR isfinite(until) THEN
    EXECUTE
      'SELECT array_agg(DISTINCT event.context_id) FROM :schema.audit_event AS event
       WHERE event.changed_at >= $1 AND event.changed_at <= $2 AND (event.context_id < $3 OR event.context_id > $4)'
    INTO elsewhere
    USING since, until, first_id, last_id;
  END IF;
  EXECUTE format(
    $query$
    SELECT array_agg(found.id), array_agg(found.txid), count(*)
    FROM (
      (SELECT context.id, context.txid FROM :schema.audit_context AS context WHERE context.id BETWEEN $1 AND $2 AND %1$s LIMIT 10001)
      UNION ALL
      (SELECT context.id, context.txid FROM :schema.audit_context AS context WHERE context.id = ANY ($3) AND %1$s)
    ) AS found
    $query$,
    condition
  )
  INTO ids, txids, number
  USING first_id, last_id, elsewhere;
  IF number > 10000 THEN
    ids := NULL;
  ELSE
    ids := coalesce(ids, '{}');
  END IF;
END
$function$;

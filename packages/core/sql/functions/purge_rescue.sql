-- What is to stay of a partition that a purge has detached: of a transaction that
-- was still open when the purge looked at it. It goes back into the log, which may
-- need a first partition for that. Returns how many of which table are to go, as
-- {table_id: number}; of contexts {"": number}.
DROP FUNCTION IF EXISTS :schema.purge_rescue(text, text, jsonb);  -- it returned nothing
CREATE OR REPLACE FUNCTION :schema.purge_rescue(log text, leaver text, targets jsonb)
RETURNS jsonb
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  stays text := CASE log
    WHEN 'audit_event' THEN 'NOT coalesce(own.changed_at < ($1 ->> own.table_id::text)::timestamptz, false)'
    ELSE $condition$
      (EXISTS (SELECT FROM :schema.audit_event AS event WHERE event.context_id = own.id AND event.txid = own.txid)
      OR EXISTS (SELECT FROM :schema.audit_purge AS purge WHERE purge.context_id = own.id)
      OR EXISTS (SELECT FROM :schema.audit_erasure AS erasure WHERE erasure.context_id = own.id))
    $condition$
  END;
  is_needed boolean;
  counts    jsonb;
BEGIN
  EXECUTE format(
    $query$
    SELECT coalesce(sum(number) FILTER (WHERE stays), 0) > 0, coalesce(jsonb_object_agg(name, number) FILTER (WHERE NOT stays), '{}')
    FROM (SELECT %s AS name, %s AS stays, count(*) AS number FROM %I.%I AS own GROUP BY 1, 2) AS counted
    $query$,
    CASE log WHEN 'audit_event' THEN 'own.table_id::text' ELSE '''''::text' END, stays, :'schema', leaver
  )
  INTO is_needed, counts
  USING targets;
  IF is_needed THEN
    PERFORM :schema.mend_start(log);
    EXECUTE format('INSERT INTO :schema.%I SELECT own.* FROM %I.%I AS own WHERE %s', log, :'schema', leaver, stays) USING targets;
  END IF;
  RETURN counts;
END
$function$;

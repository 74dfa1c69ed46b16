-- What is to stay of a partition that a purge has detached: of a transaction that
-- was still open when the purge looked at it. It goes back into the log, which may
-- need a first partition for that.
CREATE OR REPLACE FUNCTION :schema.purge_rescue(log text, leaver text, targets jsonb)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  stays text := CASE log
    WHEN 'audit_event' THEN 'NOT coalesce(own.changed_at < ($1 ->> own.table_id::text)::timestamptz, false)'
    ELSE $condition$
      EXISTS (SELECT FROM :schema.audit_event AS event WHERE event.context_id = own.id AND event.txid = own.txid)
      OR EXISTS (SELECT FROM :schema.audit_purge AS purge WHERE purge.context_id = own.id)
    $condition$
  END;
  is_needed boolean;
BEGIN
  EXECUTE format('SELECT EXISTS (SELECT FROM %I.%I AS own WHERE %s)', :'schema', leaver, stays) INTO is_needed USING targets;
  IF is_needed THEN
    PERFORM :schema.mend_start(log);
    EXECUTE format('INSERT INTO :schema.%I SELECT own.* FROM %I.%I AS own WHERE %s', log, :'schema', leaver, stays) USING targets;
  END IF;
END
$function$;

-- Refuses what concerns all of the log while a purge is letting go of a partition, of
-- which it would miss what is there. Under the lock of the chain, by which a purge
-- chooses one.
CREATE OR REPLACE FUNCTION :schema.check_leaving()
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  leaver text;
BEGIN
  SELECT purge.leaver INTO leaver FROM :schema.audit_purge AS purge WHERE purge.finished_at IS NULL AND purge.leaver IS NOT NULL LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU004',
      MESSAGE = format('A purge is letting go of the partition %s, of which this would miss what it holds.', leaver),
      HINT = 'Do it again once the purge is done; where nobody is at it, maintain() goes on with it.';
  END IF;
END
$function$;

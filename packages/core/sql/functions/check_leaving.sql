-- Refuses what concerns all of the log while a partition is not in its place: it would
-- miss what that holds. Under the lock of the chain, by which a purge chooses one to
-- let go of.
CREATE OR REPLACE FUNCTION :schema.check_leaving()
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  leaver text := (SELECT purge.leaver FROM :schema.audit_purge AS purge WHERE purge.finished_at IS NULL AND purge.leaver IS NOT NULL LIMIT 1);
BEGIN
  IF leaver IS NOT NULL THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU004',
      MESSAGE = format('A purge is letting go of the partition %s, of which this would miss what it holds.', leaver),
      HINT = 'Do it again once the purge is done; where nobody is at it, maintain() goes on with it.';
  END IF;
  PERFORM :schema.check_whole();
END
$function$;

-- Refuses what concerns all of the log while a partition is not in its place because
-- somebody has detached it.
CREATE OR REPLACE FUNCTION :schema.check_whole()
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  missed text := :schema.missed_partition();
BEGIN
  IF missed IS NOT NULL THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU004',
      MESSAGE = format('Somebody has detached %s from the log: this would miss what it holds.', missed),
      HINT = 'Run maintain(), which puts it back, and then this again.';
  END IF;
END
$function$;

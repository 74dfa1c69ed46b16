-- The log's housekeeping, to be called about once a day: by a timer in the
-- application, by pg_cron, by hand. Makes partitions ahead; closes an overflow
-- that holds rows; lets go of what is older than the tables' retention; and notes
-- for each tracked table its present name and columns and that its triggers are
-- in place. Returns what it did.
--
-- What is large is done in steps, each of which is to be a transaction of its
-- own, or writers would wait for it: as long as this returns "pending": true there
-- are more. run_maintenance() does all of them, and so do the packages for Node.
CREATE OR REPLACE FUNCTION :schema.maintain()
RETURNS jsonb
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT :schema.maintain_step()
$function$;

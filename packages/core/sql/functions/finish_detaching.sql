-- Lets go of a partition that somebody has begun to detach and is not at any more. That
-- holds the partition while it waits for whoever reads the log: in short attempts, or
-- it and a reader would wait for each other.
CREATE OR REPLACE FUNCTION :schema.finish_detaching(log text, partition text, patience interval)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '100ms'
AS $function$
DECLARE
  deadline CONSTANT timestamptz := clock_timestamp() + patience;
BEGIN
  LOOP
    BEGIN
      EXECUTE format('ALTER TABLE :schema.%I DETACH PARTITION :schema.%I FINALIZE', log, partition);
      RETURN;
    EXCEPTION
      WHEN lock_not_available THEN
        IF clock_timestamp() > deadline THEN
          RAISE EXCEPTION USING
            ERRCODE = 'lock_not_available',
            MESSAGE = format('The partition %s, which was being detached when that was interrupted, could not be let go of in %s.', partition, patience),
            HINT = :schema.lock_holders(partition);
        END IF;
      WHEN undefined_table OR object_not_in_prerequisite_state THEN
        RETURN;  -- who had begun with it was at it all along, or another one is: the next step finds out
    END;
    PERFORM pg_sleep(0.05 * (1 + random()));
  END LOOP;
END
$function$;

-- All of the housekeeping (maintain), each step in a transaction of its own. For
-- pg_cron and psql, outside of a transaction:
--   call auditrum.run_maintenance();
CREATE OR REPLACE PROCEDURE :schema.run_maintenance()
LANGUAGE plpgsql
AS $function$
DECLARE
  part text;
  done jsonb;
BEGIN
  BEGIN
    -- fails always, in a block with a handler; but before anything is done, and the message tells whether it would
    -- outside of one (in English: else the COMMIT below fails in PostgreSQL's own words)
    COMMIT;
  EXCEPTION WHEN invalid_transaction_termination THEN
    IF SQLERRM = 'invalid transaction termination' THEN
      RAISE EXCEPTION USING
        ERRCODE = 'invalid_transaction_termination',
        MESSAGE = 'run_maintenance() cannot run in a transaction block, for each of its steps is a transaction of its own.',
        HINT = 'Call it outside of one, without BEGIN. Or repeat select :schema.maintain(), which is one step of it, until it says that nothing is pending.';
    END IF;
  END;
  COMMIT;
  FOREACH part IN ARRAY ARRAY['partitions', 'purge'] LOOP
    LOOP
      -- a procedure that commits can have no settings of its own; this one lasts until the commit
      PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
      done := :schema.maintain_step(part => part);
      IF done ? 'blocked' THEN
        RAISE WARNING '%', done ->> 'blocked';
      END IF;
      COMMIT;
      EXIT WHEN NOT pg_catalog.jsonb_extract_path_text(done, 'pending')::boolean;
    END LOOP;
  END LOOP;
END
$function$;

-- Stops recording all tables, or goes on with it: for test databases, where
-- allow_pausing() has allowed it. The gap is noted in the log, and sync ends it,
-- too. Takes what disabling a trigger takes: to own the table.
CREATE OR REPLACE FUNCTION :schema.pause(paused boolean DEFAULT true)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  moment  timestamptz;
  trigger record;
BEGIN
  LOCK TABLE :schema.audit_setting IN SHARE ROW EXCLUSIVE MODE;  -- one at a time; an advisory lock could be held by anybody
  IF paused AND NOT EXISTS (
    SELECT FROM :schema.audit_setting WHERE name = 'pausing_allowed' AND value = 'true'
  ) THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU005',
      MESSAGE = format('Recording may not be paused in the database %I.', current_database()),
      HINT = 'If it holds nothing but what tests write, let the owner of the log run: SELECT :schema.allow_pausing();';
  END IF;
  -- all at once or not at all: table by table it would deadlock with whoever writes to several
  FOR trigger IN
    SELECT DISTINCT tgrelid::regclass AS table_name
    FROM pg_trigger
    JOIN pg_proc AS capture ON capture.oid = tgfoid
    WHERE capture.pronamespace = ':schema'::regnamespace
      AND starts_with(capture.proname, 'capture_')
      AND capture.prorettype = 'trigger'::regtype
    ORDER BY 1
  LOOP
    BEGIN
      EXECUTE format('LOCK TABLE ONLY %s IN SHARE ROW EXCLUSIVE MODE NOWAIT', trigger.table_name);
    EXCEPTION WHEN lock_not_available THEN
      RAISE EXCEPTION USING
        ERRCODE = 'AU005',
        MESSAGE = format('Recording cannot be paused or resumed while somebody writes to %s.', trigger.table_name),
        HINT = 'Do it where nothing else runs, before and after the tests.';
    END;
  END LOOP;
  FOR trigger IN
    SELECT tgname AS name, tgrelid::regclass AS table_name
    FROM pg_trigger
    JOIN pg_proc AS capture ON capture.oid = tgfoid
    WHERE capture.pronamespace = ':schema'::regnamespace
      AND starts_with(capture.proname, 'capture_')
      AND capture.prorettype = 'trigger'::regtype
      AND (tgenabled = 'D') <> paused
    ORDER BY tgrelid, tgname
  LOOP
    EXECUTE format('ALTER TABLE ONLY %s %s TRIGGER %I',
      trigger.table_name, CASE WHEN paused THEN 'DISABLE' ELSE 'ENABLE' END, trigger.name);
  END LOOP;
  moment := clock_timestamp();
  UPDATE :schema.audit_table AS known
  SET confirmed_at = moment,
    tracked = CASE
      WHEN paused THEN tracked * tstzmultirange(tstzrange(NULL, moment))
      ELSE tracked + tstzmultirange(tstzrange(moment, NULL))
    END
  WHERE upper_inf(known.tracked) = paused
    AND to_regprocedure(format('%I.%I()', :'schema', 'capture_' || known.id)) IS NOT NULL;
END
$function$;
